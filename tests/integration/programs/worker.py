"""``python -m tests.integration.programs.worker CATALOGUE_JSON``: a worker with the functions of these tests."""

import json
import sys
from pathlib import Path

from infra.worker.process import work
from shared.catalogue import Catalogue
from shared.function import EventFunction, function_of
from shared.settings import Settings
from tests.integration.programs import reactions


def main() -> None:
    """Run until SIGTERM, SIGKILL or the end of the functions' patience."""
    catalogue = Catalogue.model_validate(json.loads(Path(sys.argv[1]).read_text()))
    functions: dict[str, EventFunction] = {}
    for name in catalogue.functions:
        record = function_of(getattr(reactions, name))
        assert isinstance(record, EventFunction)
        functions[name] = record
    work(functions, Settings(), catalogue)


if __name__ == "__main__":
    main()
