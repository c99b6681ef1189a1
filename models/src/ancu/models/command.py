"""The `ancu` command: finds its verbs in what is installed, so that an edge box has `ancu edge` and no more."""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from io import TextIOWrapper

import click

from ancu.models.errors import AncuError

__all__ = ["Verbs", "ancu", "main"]


class Verbs(click.Group):
    """A group whose commands are the entry points `ancu.verbs` of the installed parts."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(point.name for point in entry_points(group="ancu.verbs"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        for point in entry_points(group="ancu.verbs", name=cmd_name):
            command = point.load()
            assert isinstance(command, click.Command)  # noqa: S101 - a wrong entry point is our own mistake
            return command
        return None


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="ancu-models", prog_name="ancu")
def ancu() -> None:
    """An Cư: home quarantine, watched gently and truthfully.

    Start with `ancu demo`: the whole chain on this machine, from a wristband's radio to an officer's alert.
    """


def main() -> None:  # noqa: C901 - one case an error
    """Run a verb; a person sees one clear line for an error, never a traceback."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold bytes that are no text
    try:
        code = ancu.main(standalone_mode=False)  # gives back the code of an Exit that a verb raised
        if isinstance(code, int):
            sys.exit(code)
    except click.Abort:
        _fail("stopped", 130)
    except click.ClickException as error:
        _fail(" ".join(error.format_message().split()), 2)
    except AncuError as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        _fail("stopped", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # the last wall between a fault and a person at a terminal
        if os.environ.get("ANCU_TRACEBACK"):
            raise
        if isinstance(error, ExceptionGroup) and (ours := _first_of_ours(error)) is not None:
            _fail(str(ours), 1)
        _fail(f"unexpected {error.__class__.__name__}: {error} (ANCU_TRACEBACK=1 shows where)", 70)


def _first_of_ours(group: ExceptionGroup[Exception]) -> Exception | None:
    """What one of several tasks ended with, if it was raised on purpose."""
    ours: Exception | None = group.subgroup(AncuError)
    while isinstance(ours, ExceptionGroup):
        ours = ours.exceptions[0]
    return ours


def _fail(says: str, code: int) -> None:
    print(f"ancu: {says}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
