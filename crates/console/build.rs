//! Builds the pages again when a document is added: they embed the whole folder, and the compiler
//! sees only the files that were there before.

fn main() {
    println!("cargo::rerun-if-changed=../../docs");
}
