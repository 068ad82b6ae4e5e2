"""Whether a value has the shape that the model gives a type: `faults` lists what is wrong, each with its place."""


def faults(model, kind, value, place):
    """What is wrong with `value` as a `kind`; of alternatives, with the one that fits best."""
    return CHECKS[kind["kind"]](model, kind, value, place)


def shown(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_any(_model, _kind, _value, _place):
    return []


def is_whole(value, least):
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**31


BASES = {
    "integer": lambda value: is_whole(value, -(2**31)),
    "uinteger": lambda value: is_whole(value, 0),
    "decimal": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "RegExp": lambda value: isinstance(value, str),
    "URI": lambda value: isinstance(value, str) and ":" in value,
    "DocumentUri": lambda value: isinstance(value, str) and ":" in value,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def check_base(_model, kind, value, place):
    return [] if BASES[kind["name"]](value) else [f"{place}: {shown(value)} is no {kind['name']}"]


def check_reference(model, kind, value, place):
    name = kind["name"]
    if name in model.enumerations:
        enumeration = model.enumerations[name]
        known = any(value == entry and type(value) is type(entry) for entry in enumeration["values"])
        may_be_new = enumeration["open"] and type(value) is type(enumeration["values"][0])
        return [] if known or may_be_new else [f"{place}: {shown(value)} is no {name}"]
    if name in model.aliases:
        return faults(model, model.aliases[name], value, place)
    return check_object(model, name, model.structures[name], value, place)


def check_object(model, name, properties, value, place):
    if not isinstance(value, dict):
        return [f"{place}: {shown(value)} is no {name}"]
    found = []
    for key, entry in properties.items():
        if key in value:
            found += faults(model, entry["type"], value[key], f"{place}.{key}")
        elif not entry["optional"]:
            found.append(f"{place}: {name} lacks {key}")
    found += [f"{place}.{key}: {name} has no such property" for key in value if properties and key not in properties]
    return found


def check_literal(model, kind, value, place):
    properties = {
        entry["name"]: {"type": entry["type"], "optional": entry.get("optional", False)}
        for entry in kind["value"]["properties"]
    }
    return check_object(model, "it", properties, value, place)


def check_and(model, kind, value, place):
    properties = {}
    for item in kind["items"]:
        properties.update(model.structures[item["name"]])
    return check_object(model, "it", properties, value, place)


def check_or(model, kind, value, place):
    return min((faults(model, item, value, place) for item in kind["items"]), key=len)


def check_text(_model, kind, value, place):
    return [] if value == kind["value"] else [f"{place}: {shown(value)} is not {kind['value']!r}"]


def check_array(model, kind, value, place):
    if not isinstance(value, list):
        return [f"{place}: {shown(value)} is no list"]
    return [fault for at, item in enumerate(value) for fault in faults(model, kind["element"], item, f"{place}[{at}]")]


def check_map(model, kind, value, place):
    if not isinstance(value, dict):
        return [f"{place}: {shown(value)} is no object"]
    return [fault for key, item in value.items() for fault in faults(model, kind["value"], item, f"{place}.{key}")]


def check_tuple(model, kind, value, place):
    if not isinstance(value, list) or len(value) != len(kind["items"]):
        return [f"{place}: {shown(value)} is no list of {len(kind['items'])}"]
    pairs = zip(kind["items"], value)
    return [fault for at, (item, part) in enumerate(pairs) for fault in faults(model, item, part, f"{place}[{at}]")]


CHECKS = {
    "any": check_any,
    "base": check_base,
    "reference": check_reference,
    "literal": check_literal,
    "and": check_and,
    "or": check_or,
    "stringLiteral": check_text,
    "array": check_array,
    "map": check_map,
    "tuple": check_tuple,
}
