"""The language of a job: bound to its request as Plone's negotiation would."""

from plone.i18n.interfaces import ILanguageUtility
from plone.i18n.utility import LanguageBinding
from zope.component import queryUtility


def capture_language(request) -> str | None:
    """Return the language that was negotiated for the request, if it was."""
    if request is None:
        return None
    binding = request.other.get("LANGUAGE_TOOL")
    if isinstance(binding, LanguageBinding) and binding.LANGUAGE:
        return binding.LANGUAGE
    return request.other.get("LANGUAGE") or None


class RestoredBinding(LanguageBinding):
    """Binds what was captured; asks the site for its default only when needed."""

    def __init__(self, language: str | None) -> None:
        self._language = language
        self.LANGUAGE_LIST = []

    @property
    def LANGUAGE(self) -> str | None:
        return self._language or self.DEFAULT_LANGUAGE

    @property
    def DEFAULT_LANGUAGE(self) -> str | None:
        languages = queryUtility(ILanguageUtility)
        try:
            return languages.getDefaultLanguage()
        except (AttributeError, KeyError, LookupError):
            # No site, or one from before its upgrade, without a registry.
            return None


def restore_language(request, language: str | None) -> None:
    """Bind the language (``None``: the site's default) to the request."""
    binding = RestoredBinding(language)
    request.other["LANGUAGE_TOOL"] = binding
    request.set_lazy("LANGUAGE", lambda: binding.LANGUAGE)
    if language:
        request.other["LANGUAGE"] = language
