//! Links the program at a fixed address.
//!
//! LanceDB makes it large: as a position-independent executable, each start would relocate some ten megabytes of
//! pointers before `main`, for every editor and every sandboxed command (docs/decisions/0007).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
