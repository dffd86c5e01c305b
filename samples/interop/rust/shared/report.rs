// Named checks and one JSON document at the end, as report.mjs has them.
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{Duration, Instant};

pub struct Report {
    driver: String,
    checks: Vec<String>,
    failed: usize,
}

impl Report {
    pub fn new(driver: &str) -> Self {
        Report { driver: driver.to_owned(), checks: Vec::new(), failed: 0 }
    }

    /// Runs one check, which panics if it fails; the following ones run all the same.
    pub fn check<T>(&mut self, name: &str, body: impl FnOnce() -> T) -> Option<T> {
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(body));
        let ms = start.elapsed().as_millis();
        match result {
            Ok(value) => {
                self.checks.push(format!("{{\"name\":{},\"ok\":true,\"ms\":{ms}}}", json(name)));
                Some(value)
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()))
                    .unwrap_or_else(|| "a panic without text".to_owned());
                self.failed += 1;
                self.checks.push(format!("{{\"name\":{},\"ok\":false,\"error\":{},\"ms\":{ms}}}", json(name), json(&text)));
                None
            }
        }
    }

    /// Prints the report and returns the exit code.
    pub fn finish(self) -> i32 {
        println!("{{\"driver\":{},\"ok\":{},\"failed\":{},\"checks\":[{}]}}", json(&self.driver), self.failed == 0, self.failed,
            self.checks.join(",\n"));
        i32::from(self.failed > 0)
    }
}

fn json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Waits until `condition` is true, at most 10 seconds.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "waited 10 s for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
