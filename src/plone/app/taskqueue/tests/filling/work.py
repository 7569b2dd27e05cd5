"""What the jobs do that fill a site: they end well, or fail in some way."""

from typing import Any


#: Messages of failures: some with what a page must not take for markup.
COMPLAINTS = (
    "The newsletter <b>Spring & Summer</b> has no recipients",
    "<script>document.title = 'taken over'</script>",
    'Quota of the mail server exceeded: "try again later"',
    "Größe und Maße fehlen; 価格 ist leer",
    "</td></tr></table><img src=x onerror=alert(1)>",
)


def send_newsletter(context: Any, issue: int, trouble: int | None = None) -> str:
    """Say how many mails went out."""
    _fail(OSError, trouble)
    return f"Issue {issue} was sent to {issue * 37 % 900} readers."


def import_products(context: Any, rows: int, trouble: int | None = None) -> dict:
    """Return counts."""
    _fail(ValueError, trouble)
    return {"added": rows // 3, "changed": rows - rows // 3, "file": "<products>.csv"}


def rebuild_teasers(context: Any, size: int, trouble: int | None = None) -> None:
    """Return nothing."""
    _fail(LookupError, trouble)


def export_page(context: Any, copies: int, trouble: int | None = None) -> list[str]:
    """Return names."""
    _fail(RuntimeError, trouble)
    return [f"copy-{number}.pdf" for number in range(copies % 5 + 1)]


FUNCTIONS = (send_newsletter, import_products, rebuild_teasers, export_page)


def _fail(kind: type[Exception], trouble: int | None) -> None:
    if trouble is not None:
        raise kind(COMPLAINTS[trouble % len(COMPLAINTS)])
