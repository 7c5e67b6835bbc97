"""Files of every format that are wrong: each mistake in one line, where it is, what was found and what is expected."""

# ruff: noqa: E501 - a message is one line, however long

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.networks.formats import MAX_BYTES, format_of, read_network, unpacked
from forecast.networks.formats.uai import read_evidence, write_evidence
from forecast.workspace.problems import Problem, WorkspaceProblems

DATA = Path(__file__).parent / "data"
SEEDS = sorted(path for path in DATA.iterdir() if path.suffix not in (".md", ".evid", ".bif"))


def found(content: bytes | str, name: str) -> tuple[Problem, ...]:
    """Return the problems of a file, none if it is read."""
    data = content.encode() if isinstance(content, str) else content
    try:
        format_of(data, name).read(data, name)
    except WorkspaceProblems as wrong:
        return wrong.problems
    return ()


def xdsl(nodes: str, before: str = "") -> str:
    """Return a file of XDSL with a root variable on line 3, and nodes behind it."""
    return f"""<?xml version="1.0"?>{before}
<smile version="1.0" id="n"><nodes>
<cpt id="a"><state id="x"/><state id="y"/><probabilities>0.25 0.75</probabilities></cpt>
{nodes}
</nodes></smile>"""


def net(blocks: str) -> str:
    """Return a file of NET with a root variable, and blocks from line 4 on."""
    return f"""net {{ }}
node a {{ states = ("x" "y"); }}
potential (a) {{ data = (0.25 0.75); }}
{blocks}"""


def dne(nodes: str) -> str:
    """Return a file of DNE with a root variable, and nodes from line 3 on."""
    root = "node a { kind = NATURE; states = (x, y); parents = (); probs = (0.25, 0.75); };"
    return f"bnet n {{\n{root}\n{nodes}\n}};"


def xmlbif(inside: str) -> str:
    """Return a file of XMLBIF with a root variable, and more from line 4 on."""
    return f"""<BIF VERSION="0.3"><NETWORK><NAME>n</NAME>
<VARIABLE><NAME>a</NAME><OUTCOME>x</OUTCOME><OUTCOME>y</OUTCOME></VARIABLE>
<DEFINITION><FOR>a</FOR><TABLE>0.25 0.75</TABLE></DEFINITION>
{inside}
</NETWORK></BIF>"""


NOISY = '<noisymax id="b"><state id="x"/><state id="y"/><parents>a</parents>'
MISTAKES = {
    # XDSL
    xdsl('<cpt id="b"><state id="x"/><state id="y"/><parents>a</parents>\n<probabilities>.1 .9\n.3 .6</probabilities></cpt>'): (
        "f.xdsl:6: variable 'b': probabilities do not sum to one in row (y); got 0.9; 1, or less than 0.1 off by rounding; "
        "a table lists the states of 'b' fastest, then those of 'a'"
    ),
    xdsl('<cpt id="b"><state id="x"/><state id="y"/><parents>c</parents><probabilities>1 0</probabilities></cpt>'): (
        "f.xdsl:4: variable 'b': unknown parent; got 'c'; no node declares it"
    ),
    xdsl('<cpt id="b"><state id="x"/><state id="y"/><parents>a</parents><probabilities>.1 .9</probabilities></cpt>'): (
        "f.xdsl:4: variable 'b': wrong number of probabilities; got 2; 4 are needed"
    ),
    xdsl('<cpt id="b"><state id="x"/><state id="y"/><probabilities>.1\nnan</probabilities></cpt>'): (
        "f.xdsl:5: variable 'b': not a probability; got 'nan'; a number from 0 to 1"
    ),
    xdsl('<cpt id="b"><state id="x"/><probabilities></probabilities></cpt>'): (
        "f.xdsl:4: variable 'b': not a probability; got ''; a number from 0 to 1"
    ),
    xdsl('<equation id="b"><definition>b=1</definition></equation>'): (
        "f.xdsl:4: a node of another kind; got 'equation'; nodes that are read are cpt, deterministic and noisymax"
    ),
    xdsl('<cpd id="b"/>'): (
        "f.xdsl:4: a node of another kind; got 'cpd'; they are 'cpt', 'deterministic', 'noisymax'; did you mean 'cpt'?"
    ),
    xdsl('<cpt id="b"><state id="x"/></cpt>'): "f.xdsl:4: variable 'b'; got 0 elements 'probabilities'; one",
    xdsl(f"{NOISY}<strengths>0 0</strengths><parameters>.1 .9 0 1 .1 .9</parameters></noisymax>"): (
        "f.xdsl:4: variable 'b': strengths of parent 'a'; got 0 0; the numbers of its states, 0 to 1, the strongest first"
    ),
    xdsl(f"{NOISY}<parameters>.1 .9 .2 .8 .1 .9</parameters></noisymax>"): (
        "f.xdsl:4: variable 'b': the last parameters of parent 'a' (a is y) have an effect; got 0.2 0.8; 0 for every state but 'y'"
    ),
    xdsl(f"{NOISY}<parameters>.1 .9 0 1 .1 .8</parameters></noisymax>"): (
        "f.xdsl:4: variable 'b': probabilities do not sum to one in row (leak); got 0.9; 1, or less than 0.1 off by rounding; "
        "a table lists the states of 'b' fastest, then those of 'cause'"
    ),
    xdsl('<deterministic id="b"><state id="x"/><state id="yes"/><parents>a</parents><resultingstates>x yess</resultingstates></deterministic>'): (
        "f.xdsl:4: variable 'b' has no such state; got 'yess'; states are 'x', 'yes'; did you mean 'yes'?"
    ),
    xdsl("<cpt>"): "f.xdsl:5: not well-formed XML; mismatched tag",
    xdsl("", '<!DOCTYPE smile [<!ENTITY e "harmless">]>'): (
        "f.xdsl:1: an entity is declared; got 'e'; "
        "none: a network needs only the five of XML and numbers of characters, such as &amp; and &#233;"
    ),
    xdsl("", '<!DOCTYPE smile [<!ENTITY % e SYSTEM "nothing.dtd">%e;]>'): (
        "f.xdsl:1: an entity is declared; got 'e'; "
        "none: a network needs only the five of XML and numbers of characters, such as &amp; and &#233;"
    ),
    xdsl("<cpt id='&e;'/>"): (
        "f.xdsl:4: not well-formed XML; an entity that XML does not have; "
        "allowed are the five of XML and numbers of characters, such as &amp; and &#233;"
    ),
    xdsl("<x>" * 120 + "</x>" * 120): "f.xdsl:4: elements within elements; got 101 deep; at most 100",
    xdsl('<cpt id="b"><state id="x"/><state id="y"/><parents>a</parents>\n<probabilities>.9 .2\n.1 .8</probabilities></cpt>'): (
        "f.xdsl:5: variable 'b': probabilities do not sum to one in row (x); got 1.1; 1, or less than 0.1 off by rounding; "
        "a table lists the states of 'b' fastest, then those of 'a'; "
        "with the states of 'b' slowest each row of this one sums to one"
    ),
    # NET
    net('node b { states = ("x" "y"); }\npotential (b | a) { data = ((0.1 0.9)); }'): (
        "f.net:5: variable 'b': lists within lists; got 1 entries at depth 1; 2 at each depth: (2, 2)"
    ),
    net('node b { states = ("x" "y" "z"); }\npotential (b | a) { data = ((0.1 0.9) (0.5 0.5) (1 0)); }'): (
        "f.net:5: variable 'b': lists within lists; got 2 entries at depth 2; 3 at each depth: (2, 3)"
    ),
    net('node b { states = ("x" "y"); }\npotential (b | a) {\n  data = ((0.1 0.9)\n   (0.5 0.4)); }'): (
        "f.net:7: variable 'b': probabilities do not sum to one in row (y); got 0.9; 1, or less than 0.1 off by rounding; "
        "a table lists the states of 'b' fastest, then those of 'a'"
    ),
    net('node b { states = ("x" "y"); }\npotential (b | a) { model_nodes = ();\n model_data = (NoisyOR(a)); }'): (
        "f.net:5: variable 'b'; got a model expression alone; "
        "'data = (...);' with the probabilities of every combination of parents"
    ),
    net("continuous node b { }"): (
        "f.net:4: a block of another kind; got 'continuous node b'; net, node and potential; only discrete chance nodes are read"
    ),
    net("potential (a b | ) { data = (1 0); }"): (
        "f.net:4: a potential of another kind; got 'potential (a b | )'; potential (NAME | PARENTS) of one variable"
    ),
    net('node b { states = ("x" "y");'): (
        "f.net:4: not in the NET grammar; got the end of the file; expected '}' of the block that line 4 begins"
    ),
    net('node b { states = ("x "y"); }'): "f.net:4: a string without an end; got '\"'; a second \"",
    net('node b { states = ("x" "y") }'): "f.net:4: not in the NET grammar; got '}'; expected ';'",
    net("node b states;"): "f.net:4: not in the NET grammar; got ';'; expected '=' or '{' behind 'states'",
    net("}"): "f.net:4: not in the NET grammar; got '}'; expected a name: no block is open",
    # DNE
    dne("node b { kind = NATURE; states = (x, y); parents = (a); };"): (
        "f.dne:3: variable 'b'; got no table; 'probs = (...);' or 'functable = (...);'"
    ),
    dne("node b { kind = DECISION; states = (x, y); };"): (
        "f.dne:3: variable 'b' is of another kind; got 'DECISION'; nodes that are read are of the kind NATURE"
    ),
    dne("node b { states = (x, y); parents = (a); functable = (x, z); };"): (
        "f.dne:3: variable 'b' has no such state; got 'z'; states are 'x', 'y'"
    ),
    dne("node b { states = (x, y); parents = (c); probs = (1, 0); };\nnode c { kind = CONSTANT; };"): (
        "f.dne:3: variable 'b': parent 'c' is a constant; parents are nodes of the kind NATURE"
    ),
    # XMLBIF
    xmlbif("<VARIABLE TYPE='decision'><NAME>b</NAME><OUTCOME>x</OUTCOME></VARIABLE>"): (
        "f.xmlbif:4: variable 'b' is of another kind; got 'decision'; TYPE=\"nature\""
    ),
    xmlbif("<VARIABLE><NAME>b</NAME><OUTCOME>x</OUTCOME></VARIABLE>"): "f.xmlbif:4: variable 'b' has no element 'DEFINITION'",
    xmlbif("<DEFINITION><FOR>b</FOR><TABLE>1</TABLE></DEFINITION>"): (
        "f.xmlbif:4: element 'DEFINITION': unknown variable; got 'b'; no element 'VARIABLE' declares it"
    ),
    xmlbif("<VAR/>"): "f.xmlbif:4: network: another element; got 'VAR'; NAME, PROPERTY, VARIABLE and DEFINITION",
    # UAI
    "MARKOV\n1\n2\n1\n1 0\n2\n1 1\n": (
        "f.uai:1: no Bayesian network; got 'MARKOV'; BAYES: a Markov network has factors and no conditional probability tables"
    ),
    "BAYES\n1\n2\n2\n": "f.uai:4: number of functions; got '2'; a whole number from 1 to 1",
    "BAYES\n1\n2\n1\n1 1\n": "f.uai:5: variable of function 0; got '1'; a whole number from 0 to 0",
    "BAYES\n2\nx 0\n2\n1 2\n2 0 z\n": (
        "f.uai:3: number of states of variable 0; got 'x'; a whole number from 1 to 4000000\n"
        "f.uai:3: number of states of variable 1; got '0'; a whole number from 1 to 4000000\n"
        "f.uai:5: variable of function 0; got '2'; a whole number from 0 to 1\n"
        "f.uai:6: variable of function 1; got 'z'; a whole number from 0 to 1"
    ),
    "BAYES\n1\n2\n1\n1 0\n3\n": "f.uai:6: number of entries of function 0; got '3'; a whole number from 2 to 2",
    "BAYES\n1\n2\n1\n1 0\n2\n.5\n": (
        "f.uai:7: function 0: wrong number of probabilities; got the end of the file; 2 are needed, 1 are left"
    ),
    "BAYES\n1\n2\n1\n1 0\n2\n.5 .5\n7\n": "f.uai:8: words behind the last one that is needed; got '7'; the end of the file",
    "BAYES\n2\n2 2\n2\n1 0\n1 0\n2\n.5 .5\n2\n.5 .5\n": "f.uai:6: variable 'x0' has a second function; first on line 5; 'x1' has none",
    "BAYES\n1\n": "f.uai:2: no number of states of variable 0; got the end of the file; expected number of states of variable 0",
    "BAYES\n1\n99999999999\n1\n": (
        "f.uai:3: number of states of variable 0; got '99999999999'; a whole number from 1 to 4000000\n"
        "f.uai:4: no size of function 0; got the end of the file; expected size of function 0"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [*MISTAKES.items()], ids=range(len(MISTAKES)))
def test_a_mistake_is_located_and_said(text: str, expected: str) -> None:
    """Each mistake says where, what, what was found and what is allowed, and does so once."""
    assert expected.split("\n") == [str(one) for one in found(text, expected.partition(":")[0])]


NAMED = [path for path in SEEDS if path.suffix not in (".uai", ".xdsl")] + [DATA / "dog.bif"]
COMMENT = re.compile(r"//.*|<!--.*?-->|^%.*", re.MULTILINE)


@pytest.mark.parametrize("path", NAMED, ids=lambda path: path.name)
def test_a_misspelt_variable_is_one_message(path: Path) -> None:
    """Wherever a variable is named, a letter too many is told once, with the name that was meant."""
    text = COMMENT.sub("", path.read_text(encoding="utf-8"))
    wrong = {}
    for name in read_network(path).names:
        for place in re.finditer(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
            told = found(f"{text[: place.end()]}{name[-1]}{text[place.end() :]}", path.name)
            if len(told) > 1 or not all("did you mean" in str(one) for one in told):
                wrong[name, text.count("\n", 0, place.start()) + 1] = told
    assert {} == wrong


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_has_located_problems(path: Path, data: st.DataObject) -> None:
    """A file with a piece cut out or doubled is read, or its problems stand on lines that it has."""
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 60)))
    damaged = content[:start] + content[start:end] * data.draw(st.sampled_from([0, 2])) + content[end:]
    try:
        problems = found(damaged, path.name)
    except WorkspaceProblems as wrong:
        problems = wrong.problems
    lines = damaged.count(b"\n") + 1
    assert [] == [one for one in problems if not 1 <= one.source.line <= lines]


def test_nothing_outside_the_file_is_opened(tmp_path: Path) -> None:
    """A document type that names a file is read over: the file is not opened, whether it is there or not."""
    beside = tmp_path / "beside.dtd"
    beside.write_text("<!ELEMENT smile ANY> <!ENTITY e 'from outside'>", encoding="utf-8")
    text = xdsl("", f'<!DOCTYPE smile SYSTEM "{beside.as_uri()}">')
    assert () == found(text, "f.xdsl")
    text = xdsl(
        '<cpt id="b"><state id="&e;"/><probabilities>1</probabilities></cpt>', f'<!DOCTYPE smile SYSTEM "{beside}">'
    )
    assert ["an entity that XML does not have"] == [one.what for one in found(text, "f.xdsl")] or [
        "variable 'b': a state"
    ] == [one.what for one in found(text, "f.xdsl")]


def test_a_gzip_file_is_whole_or_a_problem() -> None:
    """What is broken off, damaged or larger than a network may be is told, and nothing of it is used."""
    content = gzip.compress((DATA / "dog.net").read_bytes())
    assert (DATA / "dog.net").read_bytes() == unpacked(content, "x")
    assert (DATA / "dog.net").read_bytes() * 2 == unpacked(content * 2, "x")
    large = gzip.compress(bytes(MAX_BYTES + 1), 1)
    wrong = {
        content[:-9]: "x:1: a gzip file that is broken off",
        content[:30] + b"\xff\xff\xff" + content[33:]: "x:1: a damaged gzip file",
        large: f"x:1: file too large; at most {MAX_BYTES} bytes unpacked",
    }
    for data, expected in wrong.items():
        with pytest.raises(WorkspaceProblems) as problems:
            unpacked(data, "x")
        assert expected == str(problems.value)


THIRDS = "BAYES\n2\n3 2\n2\n1 0\n2 0 1\n3\n{}\n6\n{}\n"


def test_rows_of_thirds_are_divided_and_told(tmp_path: Path) -> None:
    """What rounding explains is divided by its sum, with a warning; what it does not only where that is wanted."""
    file = tmp_path / "thirds.uai"
    file.write_text(THIRDS.format("0.333 0.333 0.333", ".5 .5 .5 .5 .5 .5"), encoding="utf-8")
    third = 0.333 / 0.999
    assert [third] * 3 == pytest.approx(read_network(file).tables["x0"].tolist(), rel=1e-15)
    told = "variable 'x0': 1 of 1 rows miss one by up to 0.001; each was divided by its sum"
    assert [told] == [one.what for one in read_network(file).warnings]

    file.write_text(THIRDS.format("1 1 1", "3 1 2 2 0 5"), encoding="utf-8")
    with pytest.raises(WorkspaceProblems, match=r"thirds\.uai:10: variable 'x1': not a probability; got '3'"):
        read_network(file)
    network = read_network(file, normalise=True)
    assert [1 / 3] * 3 == network.tables["x0"].tolist()
    assert [[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]] == network.tables["x1"].tolist()
    assert [
        "variable 'x0': 1 of 1 rows miss one by up to 2; each was divided by its sum",
        "variable 'x1': 3 of 3 rows miss one by up to 4; each was divided by its sum",
    ] == [one.what for one in network.warnings]
    for row in ("0 0 0", "-1 1 1", "inf 1 1", "nan 1 1"):
        file.write_text(THIRDS.format(row, ".5 .5 .5 .5 .5 .5"), encoding="utf-8")
        with pytest.raises(WorkspaceProblems, match=r"do not sum to one; got 0|not a probability"):
            read_network(file, normalise=True)


EVIDENCE = {
    "2 2 0 3 1": ["x2=s0", "x3=s1"],
    "1\n2 2 0 3 1\n": ["x2=s0", "x3=s1"],
    "0": [],
    "1\n0": [],
    "1 3 1": ["x3=s1"],
    "2 2 0 3": "f.evid:1: no state of 'x3'; got the end of the file; expected state of 'x3'",
    "2 2 0\n4 1": "f.evid:2: observed variable; got '4'; a whole number from 0 to 3",
    "2 2 0 3 2": "f.evid:1: state of 'x3'; got '2'; a whole number from 0 to 1",
    "2 2 0 2 1": "f.evid:1: variable 'x2' is observed twice; got '2'; once",
    "1 2 0 9": (
        "f.evid:1: no observed variable; got the end of the file; expected observed variable\n"
        "f.evid:1: state of 'x0'; got '9'; a whole number from 0 to 1"
    ),
    "2\n1 2 0\n1 2 1\n": "f.evid:1: several samples, or words behind the last one; got '2'; one sample: 2 pairs of numbers",
    "2\n9 0\n2 x\n2 0\n": (
        "f.evid:1: number of observed variables; got '2'; 3 pairs of numbers stand behind it\n"
        "f.evid:2: observed variable; got '9'; a whole number from 0 to 3\n"
        "f.evid:3: state of 'x2'; got 'x'; a whole number from 0 to 1\n"
        "f.evid:4: variable 'x2' is observed twice; got '2'; once"
    ),
    "two\n2 0\n4 1": (
        "f.evid:1: number of observed variables; got 'two'; a whole number from 0 to 5\n"
        "f.evid:3: observed variable; got '4'; a whole number from 0 to 3"
    ),
    "": "f.evid:1: no number of observed variables; got the end of the file; expected number of observed variables",
}  # fmt: skip


@pytest.mark.parametrize("text", EVIDENCE, ids=range(len(EVIDENCE)))
def test_evidence_files(text: str) -> None:
    """Observations by number, with or without the older line of the number of samples; mistakes are located."""
    network = read_network(DATA / "dog.uai")
    expected = EVIDENCE[text]
    if isinstance(expected, str):
        with pytest.raises(WorkspaceProblems) as wrong:
            read_evidence(text.encode(), "f.evid", network)
        assert expected == str(wrong.value)
        return
    findings = read_evidence(text.encode(), "f.evid", network)
    assert expected == [finding.label for finding in findings]
    again = read_evidence(write_evidence(network, findings).encode(), "f.evid", network)
    assert findings == again


def test_what_netica_says_of_a_network_in_use_is_told(tmp_path: Path) -> None:
    """Findings of the file are not evidence of a query, rows that cannot be are uniform, and both are told."""
    file = tmp_path / "x.dne"
    file.write_text(
        dne(
            "node b { states = (x, y); parents = (a); evidence = x; probs = (@imposs, @imposs, 0.5, 0.5); };\n"
            "node c { discrete = FALSE; levels = (0, 1.5, 3); parents = (); probs = (0.5, 0.5); };\n"
            "node d { states = (x, y, z); parents = (a); functable = (#2, x); };"
        ),
        encoding="utf-8",
    )
    network = read_network(file)
    assert [
        "variable 'b': 1 rows are @imposs; they are read as uniform",
        "the file has findings, which are not used: 'b = x'",
    ] == [one.what for one in network.warnings]
    assert [[0.5, 0.5], [0.5, 0.5]] == network.tables["b"].tolist()
    assert ("0 to 1.5", "1.5 to 3") == network.states["c"]
    assert [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]] == network.tables["d"].tolist()
    assert network.details.of("d").is_deterministic


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("50%, 0.5", "not a probability; got '50%'; a number from 0 to 1; 50% is written 0.5"),
        ("0.5, 0.6", "probabilities do not sum to one; got 1.1"),
        ("0.5", "wrong number of probabilities; got 1; 2 are needed"),
    ],
)
def test_a_mistake_of_every_variable_is_told_once(table: str, says: str) -> None:
    """A program writes all its tables alike: one message has the first place, and how many more there are."""
    block = "variable v{0} {{ type discrete [2] {{ y, n }}; }}\nprobability ( v{0} ) {{ table {1}; }}\n"
    text = "network n {}\n" + "".join(block.format(number, table) for number in range(100))
    with pytest.raises(WorkspaceProblems) as wrong:
        format_of(text.encode(), "n.bif").read(text.encode(), "n.bif")
    (told,) = map(str, wrong.value.problems)
    assert told.startswith(f"n.bif:3: variable 'v0': {says}")
    assert told.endswith("99 more are like it, to line 201")
