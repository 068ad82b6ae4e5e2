//! Names across small files.

use super::*;
use crate::syntax::names_of;

struct File {
    path: RelativePath,
    language: Language,
    text: String,
    names: Names,
}

fn files(files: &[(&str, &str)]) -> Vec<File> {
    let file = |(path, text): &(&str, &str)| {
        let path = RelativePath::new(*path).unwrap();
        let language = Language::detect(&path, text).unwrap();
        File { names: names_of(language, text, &|| false).unwrap(), path, language, text: (*text).to_owned() }
    };
    files.iter().map(file).collect()
}

impl File {
    fn source(&self) -> Source<'_> {
        Source { path: &self.path, language: self.language, text: &self.text, names: &self.names }
    }

    /// The use of a name after `mark` in the text.
    fn after(&self, mark: &str) -> NameUse<'_> {
        let at = self.text.find(mark).unwrap() + mark.len();
        NameUse { source: self.source(), index: self.names.at(at).unwrap() }
    }
}

fn targets<'a>(files: &'a [File], name: &str) -> Vec<Target<'a>> {
    let of = |file: &'a File| file.names.definitions.iter().map(|defined| Target { path: &file.path, defined });
    files.iter().flat_map(of).filter(|target| target.defined.name == name).collect()
}

/// The files that the name after `mark` in the first file leads to.
fn leads(files: &[File], mark: &str, name: &str) -> Vec<String> {
    let all = targets(files, name);
    let told = |index: usize| format!("{}:{}", all[index].path, all[index].defined.parent.as_deref().unwrap_or("-"));
    lead(&files[0].after(mark), &all).into_iter().map(told).collect()
}

#[test]
fn a_qualifier_an_import_and_the_place_decide() {
    let rust = files(&[
        (
            "src/a.rs",
            "use crate::deep::tools::helper;\nimpl A { fn go(&self) { Root::join(); self.join(); helper(); x.join(); } fn join(&self) {} }",
        ),
        ("src/root.rs", "impl Root { fn join() {} }\nfn helper() {}"),
        ("src/deep/tools.rs", "fn helper() {}"),
        ("src/deep/other.rs", "fn helper() {}\nfn join() {}"),
    ]);
    assert_eq!(leads(&rust, "Root::", "join"), ["src/root.rs:Root"]);
    assert_eq!(leads(&rust, "self.", "join"), ["src/a.rs:A"]);
    assert_eq!(leads(&rust, "(); h", "helper"), ["src/deep/tools.rs:-"]);
    let go = files(&[
        ("a/x.go", "package a\nfunc f() { tools.Make(); make1() }"),
        ("b/tools/t.go", "package tools\nfunc Make() {}\nfunc make1() {}"),
        ("b/other/t.go", "package other\nfunc Make() {}"),
        ("a/y.go", "package a\nfunc make1() {}\nfunc Make() {}"),
    ]);
    assert_eq!(leads(&go, "tools.", "Make"), ["b/tools/t.go:-"]);
    assert_eq!(leads(&go, "; ", "make1"), ["a/y.go:-"]);
    let python = files(&[
        ("app/main.py", "from lib.shapes import area\nimport lib.tools as t\narea(1)\n"),
        ("lib/shapes.py", "def area(x): pass\n"),
        ("lib/maps/__init__.py", "def area(x): pass\nclass Map:\n    def area(self): pass\n"),
    ]);
    assert_eq!(leads(&python, "as t\n", "area"), ["lib/shapes.py:-"]);
}

#[test]
fn what_fits_equally_is_all_given_and_a_prototype_gives_way() {
    let c = files(&[
        ("src/main.c", "int main(void) { return run(1); }"),
        ("include/run.h", "int run(int);"),
        ("lib/one.c", "int run(int x) { return x; }"),
        ("lib/two.c", "int run(int x) { return x; }"),
    ]);
    assert_eq!(leads(&c, "return ", "run"), ["lib/one.c:-", "lib/two.c:-"]);
}

#[test]
fn uses_that_cannot_be_meant_are_left_out() {
    let rust = files(&[
        (
            "src/a.rs",
            "fn go(x: X) { Vec::new(); Root::new(); x.helper(); helper(); b::helper(); go().new(); }\nfn other() { new(); }",
        ),
        ("src/root.rs", "impl Root { fn new() {} }"),
        ("src/b.rs", "fn helper() {}"),
        ("src/c.rs", "fn helper() {}\nfn own() { helper(); }"),
    ]);
    let means = |file: usize, mark: &str, name: &str, path: &str| {
        let targets: Vec<Target<'_>> =
            targets(&rust, name).into_iter().filter(|one| one.path.as_str() == path).collect();
        may_mean(&rust[file].after(mark), &targets, &[])
    };
    assert!(!means(0, "Vec::", "new", "src/root.rs"));
    assert!(means(0, "Root::", "new", "src/root.rs"));
    assert!(means(0, "go().", "new", "src/root.rs"), "the type of a value is not known");
    assert!(!means(0, "other() { ", "new", "src/root.rs"), "a method needs something before it");
    assert!(!means(0, "x.", "helper", "src/b.rs"), "a variable has no free function");
    assert!(means(0, "b::", "helper", "src/b.rs"));
    assert!(means(0, "helper(); ", "helper", "src/b.rs"));
    assert!(!means(3, "own() { ", "helper", "src/b.rs"), "the file has its own");
    assert!(means(3, "own() { ", "helper", "src/c.rs"));
}

#[test]
fn what_a_file_says_to_mean_is_not_another() {
    let script = files(&[
        ("src/operators/start.ts", "import { concat } from '../observable/concat';\nconcat(1);\n"),
        ("src/operators/with.ts", "import { concat } from './concat';\nconcat(1);\n"),
        ("src/operators/concat.ts", "export function concat(x) {}\n"),
        ("src/observable/concat.ts", "export function concat(x) {}\n"),
    ]);
    assert_eq!(leads(&script, ";\n", "concat"), ["src/observable/concat.ts:-"]);
    assert_eq!(leads(&script[1..], ";\n", "concat"), ["src/operators/concat.ts:-"]);
    let all = targets(&script, "concat");
    let (operator, observable) = all.split_at(1);
    assert!(may_mean(&script[0].after(";\n"), observable, operator));
    assert!(!may_mean(&script[0].after(";\n"), operator, observable));
    let go = files(&[
        ("a/x.go", "package a\nfunc f(s Store) { tools.Make(); VERSION.Make(); s.Make(); s.Inner.Make() }"),
        ("b/tools/t.go", "package tools\nfunc Make() {}"),
        ("b/other/t.go", "package other\nfunc Make() {}\nfunc (s *Store) Make() {}"),
    ]);
    let all = targets(&go, "Make");
    let means = |mark: &str, at: usize| may_mean(&go[0].after(mark), &all[at..=at], &all[..at]);
    assert!(means("tools.", 0) && !means("tools.", 1));
    assert_eq!(all[2].defined.parent.as_deref(), Some("Store"));
    assert!(means("; s.", 2) && !means("; s.", 1) && means("VERSION.", 2));
    assert!(means("s.Inner.", 2), "a field may have a capital letter");
}

#[test]
fn what_stands_in_a_module_is_no_member_and_a_method_that_hands_on_does_not_mean_itself() {
    let rust = files(&[
        ("src/a.rs", "impl A { fn size(&self) { self.b.size() } }\nmod tests { fn helper() {} fn t() { helper() } }"),
        ("lib/b.rs", "impl B { fn size(&self) {} }"),
    ]);
    assert_eq!(leads(&rust, "self.b.", "size"), ["lib/b.rs:B"]);
    let helper = targets(&rust, "helper");
    assert_eq!(helper[0].defined.holder, Holder::Module);
    assert!(may_mean(&rust[0].after("t() { "), &helper, &[]));
}

#[test]
fn languages_keep_to_themselves() {
    assert_eq!(Family::of(Language::C), Family::of(Language::Cpp));
    assert_eq!(Family::of(Language::Tsx), Family::of(Language::JavaScript));
    assert_ne!(Family::of(Language::Python), Family::of(Language::Rust));
}
