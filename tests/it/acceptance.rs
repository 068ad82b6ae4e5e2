//! What a user's file allows waits until it is accepted, whatever it is; what it forbids holds at once, and stays.

use std::fs;

use crate::place::{Place, accept, configure, notes, says, tagout};
use crate::sandbox::bench;

const DENY: &str = "[[rule]]\nname = \"no\"\ndecision = \"deny\"\ncommand = \"touch\"\n";

#[test]
fn settings_that_loosen_wait_too() {
    if bench(&[]).is_none() {
        return;
    }
    let place = Place::new();
    place.write(".env", "SECRET=1\n");
    configure(&place, "[run]\nshown = [\".env\"]\nallow_hosts = [\"no-such-host.invalid\"]\nprocesses = 77\n");
    let see = ["run", "--", "cat", ".env"];
    let hidden = tagout(&place, &see);
    assert!(!hidden.status.success(), "{}", notes(&hidden));
    assert!(notes(&hidden).contains("run.shown with .env loosens, and holds once you accept it"), "{}", notes(&hidden));
    let reach = ["run", "--network", "no-such-host.invalid", "--", "true"];
    assert_eq!(tagout(&place, &reach).status.code(), Some(3));
    let review = accept(&place);
    assert!(review.contains("config.toml: run.allow_hosts with no-such-host.invalid loosens"), "{review}");
    assert!(review.contains("ask → allow  1  (looser)"), "{review}");
    assert_eq!(says(&place, &see), "SECRET=1\n");
    says(&place, &reach);
}

#[test]
fn what_narrows_is_taken_over_and_does_not_go_by_itself() {
    let place = Place::new();
    configure(&place, &format!("max_mode = \"workspace-write\"\n{DENY}"));
    let deny = tagout(&place, &["run", "--", "touch", "a"]);
    assert!(notes(&deny).contains("deny by no (config.toml:2)"), "{}", notes(&deny));
    assert!(says(&place, &["policy", "review"]).contains("there is nothing to accept"));
    configure(&place, "");
    let still = tagout(&place, &["run", "--", "touch", "a"]);
    assert!(notes(&still).contains("deny by no"), "{}", notes(&still));
    assert_eq!(tagout(&place, &["mode", "unrestricted"]).status.code(), Some(3));
    fs::remove_file(place.home().join(".config/tagout/config.toml")).unwrap();
    assert!(notes(&tagout(&place, &["run", "--", "touch", "a"])).contains("deny by no"));
    // Half written, it takes nothing back.
    configure(&place, "[[rule]]\nname = ");
    tagout(&place, &["run", "--", "touch", "a"]);
    configure(&place, DENY);
    assert!(notes(&tagout(&place, &["run", "--", "touch", "a"])).contains("deny by no"));
    configure(&place, "");
    accept(&place);
    says(&place, &["mode", "unrestricted"]);
}

#[test]
fn a_review_judges_what_was_judged_in_every_workspace() {
    let (place, other) = (Place::new(), tempfile::tempdir().unwrap());
    let elsewhere = other.path().to_str().unwrap();
    says(&place, &["trust", "--root", elsewhere]);
    says(&place, &["mode", "workspace-write", "--root", elsewhere]);
    tagout(&place, &["run", "--host", "--root", elsewhere, "--", "touch", "elsewhere"]);
    configure(&place, "[[rule]]\nname = \"yes\"\ndecision = \"allow\"\nplace = \"host\"\ncommand = \"touch\"\n");
    let review = says(&place, &["policy", "review"]);
    assert!(review.contains("records of 2 workspaces") && review.contains("touch elsewhere"), "{review}");
}
