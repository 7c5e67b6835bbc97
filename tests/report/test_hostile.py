"""Hostile texts of evidence and statements come out as text, wherever a file has free text."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from forecast.plain import readable
from forecast.workspace.records import Item, Publication
from tests.report.drawn import Drawn, draw, elements
from tests.report.outcomes import world
from tests.worlds import item

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=https://evil.example/x onerror=alert(3)>",
    "<svg onload=alert(4)>",
    "<svg><script>alert(5)</script></svg>",
    '<svg><a xlink:href="javascript:alert(6)"><text>x</text></a></svg>',
    "<svg><animate onbegin=alert(7) attributeName=x dur=1s>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg></svg>#x'/></svg>",
    "<svg><foreignObject><iframe src=javascript:alert(8)></iframe></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=alert(9)>'>",
    "<math href=javascript:alert(10)>click</math>",
    "<iframe srcdoc='<script>alert(11)</script>'></iframe>",
    "<object data=javascript:alert(12)></object>",
    "<embed src=javascript:alert(13)>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<form action=https://evil.example/><input name=a autofocus onfocus=alert(14)></form>",
    "<details open ontoggle=alert(15)>",
    "<body onload=alert(16)>",
    "<style>@import 'https://evil.example/x.css'; * { display: none }</style>",
    "</style></title></textarea></noscript></template></details></table></section>",
    "<!--><img src=x onerror=alert(17)>-->",
    "<![CDATA[<script>alert(18)</script>]]>",
    '" onmouseover=alert(19) style="position:fixed;inset:0',
    "' onmouseover=alert(20) x='",
    "javascript:alert(21)",
    "[click](javascript:alert(22)) ![x](https://evil.example/x) | `code` | # heading",
    "{{ 7 * 7 }}{% raw %}{% include '/etc/passwd' %}${7*7}<%= 7*7 %>",
    "\u202egnp.exe\u2066\u2069\u200e \u0000\u001b[31mred\x07",
    "&lt;script&gt;alert(23)&lt;/script&gt; &#60;b&#62;",
    "\\u003cscript\\u003ealert(24)</script>",
    "x" * 100_000,
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A report whose titles, names, headlines, reasons, publishers and addresses are such texts."""
    base = world()

    def changed(one: Item, text: str) -> Item:
        return replace(one, headline=text, url=text, why=text)

    more = [item(f"i-hostile-{n}", base.items[1].reported, *base.items[1].bears_on) for n in range(len(HOSTILE))]
    items = [*base.items, *(changed(one, text) for one, text in zip(more, HOSTILE, strict=True))]
    scenarios = (
        replace(base.scenarios[0], name=HOSTILE[0], summary=HOSTILE[1]),
        replace(base.scenarios[1], name=HOSTILE[29]),
    )
    events = {name: replace(event, name=HOSTILE[29]) for name, event in base.network.events.items()}
    return draw(
        tmp_path_factory.mktemp("fit"),
        network=replace(base.network, title=HOSTILE[2], events=events),
        items=tuple(sorted(items, key=lambda one: one.id)),
        statements=tuple(
            replace(
                s, says=HOSTILE[3 + n], why=HOSTILE[n], publication=Publication(HOSTILE[9 + n], HOSTILE[15], HOSTILE[6])
            )
            for n, s in enumerate(base.statements)
        ),
        scenarios=scenarios,
        experts={name: replace(expert, name=HOSTILE[21]) for name, expert in base.experts.items()},
        sources={name: replace(source, name=HOSTILE[24]) for name, source in base.sources.items()},
    )


def test_there_are_thirty() -> None:
    """At least thirty different texts are tried."""
    assert 30 <= len(set(HOSTILE))


def test_every_text_can_be_read(hostile: Drawn) -> None:
    """Each text stands on the page as it was written, its invisible characters written out."""
    text = "\n".join(elements(hostile.html).texts)
    for one in HOSTILE:
        assert readable(one) in text, one[:80]


def test_nothing_of_them_is_an_element(hostile: Drawn) -> None:
    """No element, handler or address comes from them: the only scripts are the page's own two."""
    parsed = elements(hostile.html)
    scripts = [attributes for tag, attributes in parsed.found if tag == "script"]
    assert [{"type": "application/json", "id": "worlds"}, {}] == scripts
    tags = {tag for tag, _ in parsed.found}
    forbidden = {"img", "iframe", "object", "embed", "base", "link", "math", "animate", "foreignobject", "mglyph"}
    assert set() == tags & forbidden
    assert 1 == sum(tag == "style" and not attributes for tag, attributes in parsed.found[:20])
    for tag, attributes in parsed.found:
        assert [] == [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src", "xlink:href", "action"):
            address = attributes.get(name)
            assert address is None or address.startswith(("#", "../")), (tag, address)


def test_no_control_character_is_left(hostile: Drawn) -> None:
    """No bidirectional or control character reaches page, numbers or brief."""
    for content in (hostile.html, json.dumps(hostile.page, ensure_ascii=False), hostile.files["report.md"].decode()):
        assert set() == set(content) & {"\u202e", "\u2066", "\u2069", "\u200e", "\x00", "\x1b", "\x07"}
    assert "[U+202E]" in hostile.html


def test_data_of_the_script_end_no_element(hostile: Drawn) -> None:
    """The block of what-ifs holds no sign that could end it or begin a comment."""
    block = hostile.html.split('id="worlds">', 1)[1].split("</script>", 1)[0]
    assert set() == set("<>&") & set(block)
    loaded = json.loads(block)
    assert HOSTILE[0] in [row["name"] for row in loaded["scenarios"]]


def test_markdown_shows_them_as_text(hostile: Drawn) -> None:
    """In the brief every sign that Markdown or HTML gives a meaning to is escaped."""
    text = hostile.files["report.md"].decode()
    assert "<script" not in text.replace("\\<", "")
    assert "](" not in text.replace("\\]", "")
