"""JetStream to function: pull, retry, dead letter, order, schedules."""

from shared.catalogue import Catalogue
from shared.settings import Settings


def run(names: list[str] | None, settings: Settings, catalogue: Catalogue) -> None:
    """Run event functions in this process until SIGTERM or SIGINT; ``None``: all of the enabled systems.

    Raises:
        CatalogueError: a name is no function, or no event function.
        BackendError: NATS does not answer.
    """
    from infra.worker.process import choose, work

    work(choose(names, catalogue, settings.catalogue), settings, catalogue)
