"""What the protocol's messages look like, in the terms of its official meta model.

`load` reads either the official `metaModel.json` or the `types.py` of the Python package `lsprotocol`, which is made from
the same meta model and which a package index has. The second says nothing of partial results, and its whole numbers have
no range where they stand in lists.
"""

import ast
import json

ANY = {"kind": "any"}
NULL = {"kind": "base", "name": "null"}
# Those nullable properties that must be there, beside the selectors of registrations: `types.py` writes all as optional.
NULL_BUT_NEEDED = {
    ("InitializeParams", "processId"),
    ("InitializeParams", "rootUri"),
    ("OptionalVersionedTextDocumentIdentifier", "version"),
    ("WorkspaceFullDocumentDiagnosticReport", "version"),
    ("WorkspaceUnchangedDocumentDiagnosticReport", "version"),
}


class Model:
    """Structures, enumerations, other names for types, and the messages."""

    def __init__(self):
        self.version = ""
        self.structures = {}  # name -> {property: {"type", "optional"}}
        self.enumerations = {}  # name -> {"values", "open"}
        self.aliases = {}  # name -> type
        self.requests = {}  # method -> {"params", "result", "partial", "direction"}
        self.notifications = {}


def load(path):
    """The model that the file at `path` holds."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return from_meta_model(json.loads(text)) if path.endswith(".json") else from_python(ast.parse(text))


# --- the official meta model ----------------------------------------------------------------------


def from_meta_model(document):
    model = Model()
    model.version = document["metaData"]["version"]
    structures = {structure["name"]: structure for structure in document["structures"]}
    for name in structures:
        model.structures[name] = properties(structures, name)
    for enumeration in document["enumerations"]:
        values = [entry["value"] for entry in enumeration["values"]]
        may_be_new = enumeration.get("supportsCustomValues", False)
        model.enumerations[enumeration["name"]] = {"values": values, "open": may_be_new}
    for alias in document["typeAliases"]:
        model.aliases[alias["name"]] = alias["type"]
    # The model describes it as itself.
    model.aliases["LSPAny"] = ANY
    for kind in ("requests", "notifications"):
        for entry in document[kind]:
            params = entry.get("params")
            getattr(model, kind)[entry["method"]] = {
                "params": params,
                "result": entry.get("result", NULL),
                "partial": entry.get("partialResult"),
                "direction": entry["messageDirection"],
            }
    return model


def properties(structures, name):
    """All of a structure's properties, the inherited ones too."""
    structure, found = structures[name], {}
    for parent in structure.get("extends", []) + structure.get("mixins", []):
        found.update(properties(structures, parent["name"]))
    for entry in structure["properties"]:
        found[entry["name"]] = {"type": entry["type"], "optional": entry.get("optional", False)}
    return found


# --- the Python package ---------------------------------------------------------------------------


def from_python(tree):
    model, constants, answers, directions, messages = Model(), {}, {}, None, None
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            if is_enumeration(node):
                values = [ast.literal_eval(entry.value) for entry in node.body if isinstance(entry, ast.Assign)]
                # Where others may be used, the place says so.
                model.enumerations[node.name] = {"values": values, "open": False}
            else:
                answers[node.name] = raw_field(node, "result")
                model.structures[node.name] = python_properties(node)
            continue
        target, value = assigned(node)
        if target == "__lsp_version__":
            # It names the last complete version; newer parts are in it.
            model.version = f"{value.value} and later (lsprotocol)"
        elif target == "METHOD_TO_TYPES":
            messages = value
        elif target == "_MESSAGE_DIRECTION":
            directions = {method_of(key, {}): entry.value for key, entry in zip(value.keys, value.values)}
        elif target and isinstance(value, ast.Constant) and target.isupper():
            constants[target] = value.value
        elif target and isinstance(value, (ast.Subscript, ast.Name)):
            model.aliases[target] = type_of(value)
    model.aliases.update({"LSPAny": ANY, "LSPObject": {"kind": "map", "value": ANY}})
    directions = {constants.get(name, name): direction for name, direction in directions.items()}
    for key, entry in zip(messages.keys, messages.values):
        add_message(model, method_of(key, constants), entry, answers, directions)
    return model


def is_enumeration(node):
    return any("Enum" in ast.unparse(base) for base in node.bases)


def assigned(node):
    """Name and value of an assignment to one name."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    return None, None


def method_of(key, constants):
    return constants.get(key.id, key.id) if isinstance(key, ast.Name) else key.value


def add_message(model, method, entry, answers, directions):
    names = [item.id if isinstance(item, ast.Name) else None for item in entry.elts]
    params = {"kind": "reference", "name": names[2]} if names[2] else None
    message = {"params": params, "result": None, "partial": None, "direction": directions[method]}
    if names[1]:
        result = answers.get(names[1])
        message["result"] = type_of(result) if result is not None else NULL
        model.requests[method] = message
    else:
        model.notifications[method] = message


def raw_field(node, name):
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and field.target.id == name:
            return field.annotation
    return None


def python_properties(node):
    found = {}
    for field in node.body:
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        name = camel(field.target.id)
        options = {option.arg: option.value for option in getattr(field.value, "keywords", [])}
        annotation, optional = field.annotation, False
        if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Optional":
            annotation, optional = annotation.slice, not is_needed(node.name, name)
        kind = narrowed(type_of(annotation), options.get("validator"))
        found[name] = {"type": kind, "optional": optional}
    return found


def is_needed(structure, name):
    selects = structure.endswith("RegistrationOptions") and name == "documentSelector"
    return selects or (structure, name) in NULL_BUT_NEEDED


def camel(name):
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def narrowed(kind, validator):
    """A type with what its validator says: which text it is, or in which range the number is."""
    text = ast.unparse(validator) if validator is not None else ""
    if ".in_([" in text:
        call = next(node for node in ast.walk(validator) if isinstance(node, ast.List))
        return {"kind": "or", "items": [{"kind": "stringLiteral", "value": entry.value} for entry in call.elts]}
    if "uinteger_validator" in text:
        return {"kind": "base", "name": "uinteger"}
    return kind


BASES = {"str": "string", "int": "integer", "float": "decimal", "bool": "boolean"}


def type_of(node):
    """A type annotation in the meta model's terms."""
    if isinstance(node, ast.Constant):
        if node.value is None:
            return NULL
        return type_of(ast.parse(node.value, mode="eval").body)
    if isinstance(node, ast.Name):
        if node.id in ("Any", "object"):
            return ANY
        return {"kind": "base", "name": BASES[node.id]} if node.id in BASES else {"kind": "reference", "name": node.id}
    outer = ast.unparse(node.value)
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "Optional":
        return {"kind": "or", "items": [type_of(inner[0]), NULL]}
    if outer == "Union":
        return {"kind": "or", "items": [type_of(item) for item in inner]}
    if outer == "Sequence":
        return {"kind": "array", "element": type_of(inner[0])}
    if outer in ("Mapping", "Dict"):
        return {"kind": "map", "value": type_of(inner[1])}
    if outer == "Tuple":
        return {"kind": "tuple", "items": [type_of(item) for item in inner]}
    if outer == "Literal":
        return {"kind": "or", "items": [{"kind": "stringLiteral", "value": item.value} for item in inner]}
    raise ValueError(f"no type is known as {ast.unparse(node)}")
