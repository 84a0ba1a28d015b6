//! Serves as one variant instruments it: `serve VARIANT EXPORT`, until standard input ends.

use benches::{
    http::servers,
    load::{Export, serve},
};
use std::env;

fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let [variant, export] = &*words else { panic!("VARIANT EXPORT") };
    let mut variants = servers().into_iter();
    let variant = variants.find(|found| found.name == variant).expect("the variant is known");
    serve(&variant, Export::find(export).expect("the export is known"));
}
