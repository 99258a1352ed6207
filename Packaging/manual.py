"""Makes the manual page of what `heddle --experimental-dump-help` prints: what every command says in its own help.

  heddle --experimental-dump-help | python3 manual.py VERSION DATE
"""

import json
import sys

FILES = [
    ("/etc/heddle/mesh", "The manifests that the service serves."),
    ("/etc/default/heddle", "Options of the service."),
    ("/var/lib/heddle", "Its state folder: keys, generations, and the admin socket that commands of root find."),
    ("/run/heddle/workload.sock", "The workload socket, which heddle exec asks."),
]


def text(words: str) -> str:
    """One line of running text, which may begin with anything."""
    words = words.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    return "\\&" + words if words.startswith(".") else words.replace("~", "\\(ti")


def paragraphs(discussion: str) -> list[str]:
    """Lines that are indented are examples, and stay as they are."""
    lines: list[str] = []
    isExample = False
    for line in discussion.splitlines():
        if line.startswith("  ") and line.strip():
            if not isExample:
                lines += [".IP", ".nf"]
            isExample = True
            lines.append(text(line[2:]))
            continue
        if isExample:
            lines += [".fi", ".PP"]
        isExample = False
        if line.strip():
            lines.append(text(line.strip()))
        elif lines and lines[-1] != ".PP":
            lines.append(".PP")
    if isExample:
        lines.append(".fi")
    while lines and lines[-1] == ".PP":
        lines.pop()
    return lines


def spelled(name: dict) -> str:
    return ("--" if name["kind"] == "long" else "-") + name["name"]


def value(argument: dict) -> str:
    return "" if argument["kind"] == "flag" else f"\\fI{text(argument['valueName'])}\\fR"


def in_synopsis(argument: dict) -> str:
    if argument["kind"] == "positional":
        word = value(argument)
    else:
        word = f"\\fB{text(spelled(argument['preferredName']))}\\fR" + (" " + value(argument)).rstrip()
    word = f"[{word}]" if argument["isOptional"] else word
    return word + (" ..." if argument["isRepeating"] else "")


def described(argument: dict) -> list[str]:
    if argument["kind"] == "positional":
        tag = value(argument)
    else:
        names = ", ".join(f"\\fB{text(spelled(name))}\\fR" for name in argument["names"])
        tag = (names + " " + value(argument)).strip()
    sentence = argument.get("abstract", "").rstrip()
    if argument.get("defaultValue"):
        sentence += f" (default: {argument['defaultValue']})"
    return [".TP", tag, text(sentence.strip())]


def shown(items: list[dict]) -> list[dict]:
    return [item for item in items if item.get("shouldDisplay", True)]


def section(command: dict, parents: list[str]) -> list[str]:
    name = " ".join(parents + [command["commandName"]])
    subcommands = shown(command.get("subcommands", []))
    if subcommands:
        return [line for each in subcommands for line in section(each, parents + [command["commandName"]])]
    arguments = [a for a in shown(command.get("arguments", [])) if a["valueName"] not in ("version", "help")]
    lines = [f".SS {text(name)}", text(command["abstract"]), ".PP"]
    lines.append(" ".join([f"\\fB{text(name)}\\fR"] + [in_synopsis(argument) for argument in arguments]))
    if command.get("discussion"):
        lines += [".PP"] + paragraphs(command["discussion"])
    for argument in arguments:
        lines += described(argument)
    return lines


def page(root: dict, version: str, date: str) -> str:
    name = root["commandName"]
    lines = [
        f'.TH {name.upper()} 1 "{date}" "{name} {version}" "User Commands"',
        ".SH NAME", f"{name} \\- {text(root['abstract'][0].lower() + root['abstract'][1:].rstrip('.'))}",
        ".SH SYNOPSIS", f"\\fB{name}\\fR \\fIcommand\\fR [\\fIoptions\\fR]", ".PP",
        f"\\fB{name} help\\fR \\fIcommand\\fR",
        ".SH DESCRIPTION",
    ]
    lines += paragraphs(root.get("discussion", ""))
    lines.append(".SH COMMANDS")
    for command in shown(root["subcommands"]):
        lines += section(command, [name])
    lines.append(".SH FILES")
    for path, what in FILES:
        lines += [".TP", f"\\fI{text(path)}\\fR", text(what)]
    lines += [".SH SEE ALSO", ".BR systemctl (1),", ".BR systemd.exec (5),", ".BR nft (8)"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(json.load(sys.stdin)["command"], sys.argv[1], sys.argv[2]))
