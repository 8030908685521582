"""``python -m infra.cli``: the command, with the code of the folder it is called in."""

from infra.cli import main

main()
