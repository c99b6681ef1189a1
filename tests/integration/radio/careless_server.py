"""The known-bad control: `ancu` with a server that believes whatever carries a right seal, old or again."""

from ancu.models.command import main
from ancu.server.ingest import verify


def believe_all(*_: object) -> bool:
    return True


verify._believe = believe_all
main()
