//! Passes the target on, which cargo tells build scripts alone.

fn main() {
    let target = std::env::var("TARGET").expect("cargo sets it");
    let mut out = std::io::stdout().lock();
    let _ = std::io::Write::write_all(
        &mut out,
        format!("cargo::rustc-env=TARGET={target}\n").as_bytes(),
    );
}
