//! csvcopy - read every record of a CSV file and write it again, unchecked.
//!
//! The loop of `xsv select` without the selection: the least that a program
//! on Rust's csv crate can do with every byte.

use std::error::Error;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

fn copy(path: &str) -> Result<(), Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(1 << 20)
        .from_path(path)?;
    // Not io::stdout() itself: that looks for the last line feed of each write.
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .buffer_capacity(1 << 20)
        .from_writer(output);
    let mut record = csv::ByteRecord::new();

    while reader.read_byte_record(&mut record)? {
        writer.write_byte_record(&record)?;
    }
    writer.flush()?;
    Ok(())
}

fn main() {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("Usage: csvcopy FILE");
        std::process::exit(64);
    };

    if let Err(error) = copy(&path) {
        eprintln!("csvcopy: {error}");
        std::process::exit(1);
    }
}
