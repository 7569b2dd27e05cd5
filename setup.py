"""Metadata of plone.app.taskqueue; the settings of the tools are in pyproject.toml."""

from pathlib import Path
from setuptools import find_namespace_packages
from setuptools import setup
from setuptools.command.build_py import build_py


here = Path(__file__).parent
long_description = "\n\n".join(
    (here / name).read_text(encoding="utf-8") for name in ("README.rst", "CHANGES.rst")
)


class BuildWithTranslations(build_py):
    """Compiles the translations, since Zope does it only where it is told to."""

    def run(self) -> None:
        super().run()
        from pythongettext.msgfmt import Msgfmt

        target = here / "src" if self.editable_mode else Path(self.build_lib)
        for path in target.glob("plone/app/taskqueue/locales/*/LC_MESSAGES/*.po"):
            with path.open("rb") as source:
                path.with_suffix(".mo").write_bytes(Msgfmt(source, path.stem).get())


setup(
    name="plone.app.taskqueue",
    version="1.0.0a1.dev0",
    description="Background jobs for Plone, kept in the ZODB and run as their user",
    long_description=long_description,
    long_description_content_type="text/x-rst",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Web Environment",
        "Framework :: Plone",
        "Framework :: Plone :: 6.2",
        "Framework :: Plone :: Addon",
        "Framework :: Zope :: 5",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
    ],
    keywords="Plone Zope ZODB background jobs task queue async cron",
    author="Plone Community",
    author_email="releasemanager@plone.org",
    license="GPL-2.0-only",
    cmdclass={"build_py": BuildWithTranslations},
    packages=find_namespace_packages("src", include=["plone.app.taskqueue*"]),
    package_dir={"": "src"},
    include_package_data=True,
    zip_safe=False,
    python_requires=">=3.11",
    # Each of these has its line in docs/reference/dependencies.md.
    install_requires=[
        "AccessControl",
        "Acquisition",
        "BTrees",
        "cronsim",
        "DateTime",
        "persistent",
        "plone.app.layout",
        "plone.app.registry",
        "plone.base",
        "plone.batching",
        "plone.browserlayer",
        "plone.i18n",
        "plone.keyring",
        "plone.namedfile",
        "plone.protect",
        "plone.registry",
        "plone.resource",
        "plone.restapi",
        "plone.schema",
        "plone.theme",
        "plone.uuid",
        "Products.CMFCore",
        "Products.CMFPlone>=6.2",
        "Products.GenericSetup",
        "Products.statusmessages",
        "transaction",
        "tzdata",
        "zc.lockfile",
        "ZConfig",
        "zExceptions",
        "ZODB>=6",
        "Zope>=6",
        "zope.annotation",
        "zope.component",
        "zope.configuration",
        "zope.container",
        "zope.dottedname",
        "zope.event",
        "zope.globalrequest",
        "zope.i18n",
        "zope.i18nmessageid",
        "zope.interface",
        "zope.lifecycleevent",
        "zope.processlifetime",
        "zope.publisher",
        "zope.schema",
        "zope.security",
        "zope.traversing",
    ],
    extras_require={
        "bench": [
            "celery",
            "dramatiq",
            "huey",
            "procrastinate",
            "psycopg-binary",
            "redis",
            "rq",
        ],
        "demo": ["plone.app.textfield", "plone.classicui", "rich", "waitress"],
        "dev": ["i18ndude", "ruff", "towncrier", "zpretty"],
        "relstorage": ["psycopg2-binary", "RelStorage>=4"],
        "test": [
            "axe-playwright-python",
            "hypothesis",
            "jsonschema",
            "playwright",
            "plone.api",
            "plone.app.contenttypes",
            "plone.app.discussion",
            "plone.app.testing",
            "plone.app.textfield",
            "plone.cachepurging",
            "plone.dexterity",
            "plone.rest",
            "plone.testing",
            "psycopg2-binary",
            "pytest",
            "python-dateutil",
            "PyYAML",
            "RelStorage",
            "schemathesis",
            "WebTest",
            "ZEO",
            "zope.pytestlayer",
            "zope.site",
            "zope.testing",
        ],
        "zeo": ["ZEO>=6"],
    },
    entry_points={
        "console_scripts": ["taskqueue = plone.app.taskqueue.command.main:main"],
        "plone.recipe.zope2instance.ctl": [
            "taskqueue = plone.app.taskqueue.command.instance:taskqueue",
            "worker = plone.app.taskqueue.command.instance:worker",
        ],
        "z3c.autoinclude.plugin": ["target = plone"],
    },
)
