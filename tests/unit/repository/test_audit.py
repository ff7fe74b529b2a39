"""What the audit accepts, and what it makes of the advisories."""

import base64

import pytest
from scripts.audit import advisories_of, licence_problem, licences_of


def component(*licences):
    return {"name": "thing", "version": "1.0", "licenses": list(licences)}


def named(name, text=None):
    content = {} if text is None else {
        "text": {"content": base64.b64encode(text.encode()).decode(), "encoding": "base64"}
    }  # fmt: skip
    return {"license": {"name": name} | content}


@pytest.mark.parametrize(
    "licences",
    [
        [{"license": {"id": "MIT"}}],
        [{"license": {"id": "LGPL-2.1-or-later"}}],
        [{"expression": "BSD-3-Clause AND 0BSD AND (MIT OR Zlib) AND CC0-1.0"}],
        [named("License :: OSI Approved :: Apache Software License")],
        [named("License :: OSI Approved :: BSD License")],
        [named("declared license of 'thing'", "3-Clause BSD License")],
        [named("declared license file: COPYING", "GPL and more"), {"license": {"id": "ISC"}}],
    ],
)
def test_licences_that_ask_for_little_are_accepted(licences):
    assert licence_problem(component(*licences)) is None


@pytest.mark.parametrize(
    "licences",
    [
        [{"license": {"id": "GPL-3.0-only"}}],
        [{"license": {"id": "AGPL-3.0-or-later"}}],
        [{"expression": "MIT AND GPL-2.0-or-later"}],
        [{"license": {"id": "MIT"}}, named("License :: Other/Proprietary License")],
        [named("declared license of 'thing'", "All rights reserved.\nMIT is a university.")],
        [named("declared license of 'thing'", "CC-BY-NC-4.0")],
        [named("declared license file: LICENSE", "MIT")],
        [],
    ],
)
def test_others_are_not(licences):
    assert "thing 1.0" in licence_problem(component(*licences))


def test_an_expression_is_read_licence_by_licence():
    assert list(licences_of(component({"expression": "(A OR B) AND C WITH D"}))) == ["A", "B", "C", "D"]


def test_each_vulnerability_is_a_line_and_what_is_not_known_is_not_audited():
    answer = {
        "dependencies": [
            {"name": "good", "version": "1", "vulns": []},
            {"name": "bad", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["2.1", "3"]}]},
            {"name": "worse", "version": "3", "vulns": [{"id": "X-2", "fix_versions": []}]},
            {"name": "own", "skip_reason": "not on the index"},
        ]
    }
    found = advisories_of(answer)
    assert found.known == ["bad 2: X-1 (fixed in 2.1, 3)", "worse 3: X-2 (fixed in no release)"]
    assert (found.audited, found.unknown) == (3, ["own"])
