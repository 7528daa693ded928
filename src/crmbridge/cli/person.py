"""The person at the terminal, as adapters that sign people in see them."""

import sys
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import typer

from crmbridge.cli.output import note, plain
from crmbridge.errors import SignInError
from crmbridge.jobs.setup.redirect import RedirectPage


@dataclass(slots=True, kw_only=True)
class Terminal:
    """Talks on standard error, so that standard output stays the command's own.

    Args:
        page: the page that the browser comes back to; it listens from the first time on that
            somebody asks for its address.
        hears: told every secret that comes in, so that it can be blotted out of messages.
        opens: whether to open a browser, beside showing the address.
        reads: whether a secret may be read from standard input where that is no terminal.
    """

    where: str
    page: RedirectPage
    hears: Callable[[str], object]
    opens: bool = True
    reads: bool = False
    _is_open: bool = field(default=False, init=False)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *exc: object) -> None:
        if self._is_open:
            self.page.__exit__(*exc)

    @property
    def redirect_uri(self) -> str:
        """The page's address."""
        if not self._is_open:
            self.page.__enter__()
            self._is_open = True
        return self.page.url

    def visit(self, url: str) -> Mapping[str, str]:
        """Show and open an address; what the CRM sends back to the page.

        Raises:
            SignInError: nobody came back in time, or the CRM said no.
        """
        note(f"Sign in at:\n  {url}")
        back = self.redirect_uri
        if self.opens and webbrowser.open(url):
            note(f"A browser was opened; it comes back to {back.partition('?')[0]}.")
        answer = self.page.wait()
        self.hears(answer.get("code", ""))
        if "error" in answer:
            words = plain(answer.get("error_description") or answer["error"])[:200]
            raise SignInError(self.where, "the CRM's consent", words, "Connect again")
        return answer

    def show(self, text: str) -> None:
        """Say something on standard error."""
        note(text)

    def paste(self, label: str) -> str:
        """A line that is typed or pasted without being shown; of a pipe only where asked for.

        Raises:
            SignInError: there is no terminal, or nothing came.
        """
        if sys.stdin.isatty():
            text = str(
                typer.prompt(label, default="", hide_input=True, show_default=False, err=True)
            )
        elif self.reads:
            text = sys.stdin.readline()
        else:
            next_step = "Pipe it in with --stdin, or run this in a terminal"
            raise SignInError(self.where, f"a terminal to ask for {label}", "none", next_step)
        if not text.strip():
            raise SignInError(self.where, label, "nothing", "Connect again")
        self.hears(text.strip())
        return text.strip()
