"""Metadata of plone.app.taskqueue; the settings of the tools are in pyproject.toml."""

from pathlib import Path
from setuptools import find_namespace_packages
from setuptools import setup


here = Path(__file__).parent
long_description = "\n\n".join(
    (here / name).read_text(encoding="utf-8") for name in ("README.rst", "CHANGES.rst")
)

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
        "persistent",
        "plone.app.registry",
        "plone.base",
        "plone.browserlayer",
        "plone.i18n",
        "plone.registry",
        "plone.restapi",
        "plone.theme",
        "plone.uuid",
        "Products.CMFCore",
        "Products.CMFPlone>=6.2",
        "Products.GenericSetup",
        "transaction",
        "ZConfig",
        "zExceptions",
        "ZODB>=6",
        "Zope>=6",
        "zope.annotation",
        "zope.component",
        "zope.dottedname",
        "zope.event",
        "zope.globalrequest",
        "zope.i18nmessageid",
        "zope.interface",
        "zope.processlifetime",
        "zope.publisher",
        "zope.security",
        "zope.traversing",
    ],
    extras_require={
        "demo": ["plone.app.textfield", "plone.classicui", "rich", "waitress"],
        "dev": ["ruff", "towncrier", "zpretty"],
        "test": [
            "hypothesis",
            "plone.api",
            "plone.app.contenttypes",
            "plone.app.discussion",
            "plone.app.testing",
            "plone.app.textfield",
            "plone.cachepurging",
            "plone.dexterity",
            "plone.rest",
            "plone.testing",
            "pytest",
            "ZEO",
            "zope.configuration",
            "zope.pytestlayer",
        ],
    },
    entry_points={"z3c.autoinclude.plugin": ["target = plone"]},
)
