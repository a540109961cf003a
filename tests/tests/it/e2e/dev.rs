//! `make demo` and `make dev`, as a person would run them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::Signal;
use serde_json::Value;
use tests::{
    fixture, ports,
    process::{Process, Program},
    repo, wait,
};

struct DevRun {
    process: Process,
    folder: PathBuf,
    log: PathBuf,
    _scratch: tempfile::TempDir,
}

fn start(command: &str) -> DevRun {
    let scratch = fixture::scratch().unwrap();
    let (folder, log) = (scratch.path().join("dev"), scratch.path().join("dev.log"));
    let process = Program::new("dev", repo::gavel_binary().unwrap().with_file_name("dev"))
        .args([command])
        .env("GAVEL_API_PORT", ports::free().unwrap().to_string())
        .env("GAVEL_DEV_FOLDER", folder.display().to_string())
        .log_to(&log)
        .start()
        .unwrap();
    DevRun { process, folder, log, _scratch: scratch }
}

impl DevRun {
    async fn end(&mut self) -> (bool, String) {
        let process = &mut self.process;
        let status = wait::until("the stack's end", Duration::from_secs(90), || {
            let status = process.ended();
            async move { status.ok_or_else(|| "running".to_owned()) }
        });
        let status = status.await.unwrap();
        (status.success(), std::fs::read_to_string(&self.log).unwrap())
    }

    /// Command lines that name the stack's folder: its servers and services all do.
    fn left_behind(&self) -> Vec<String> {
        let named = |path: &Path| {
            let line = std::fs::read(path.join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(&self.folder.display().to_string()).then_some(line)
        };
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes.filter_map(|entry| named(&entry.path())).collect()
    }
}

#[tokio::test]
async fn the_demo_ends_with_a_filled_intent_and_leaves_nothing_running() {
    let mut run = start("demo");
    let (success, text) = run.end().await;
    assert!(success, "{text}");
    for told in ["opened", "committed", "filled after", "balances"] {
        assert!(text.contains(told), "the demo does not tell {told}:\n{text}");
    }
    assert_eq!(run.left_behind(), Vec::<String>::new());
}

#[tokio::test]
async fn the_dev_stack_says_where_it_is_and_ctrl_c_stops_all_of_it() {
    let mut run = start("up");
    let log = run.log.clone();
    let up = wait::until("the stack being up", Duration::from_secs(60), || async {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        if text.contains("Ctrl-C stops everything") { Ok(()) } else { Err(text) }
    });
    up.await.unwrap();
    let manifest = std::fs::read(run.folder.join("stack.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    for key in ["api_url", "rpc_url", "settlement"] {
        assert!(manifest[key].is_string(), "{key} in {manifest:#}");
    }
    assert_eq!(manifest["chain_id"], 31_337);
    assert!(manifest["accounts"].as_array().unwrap().len() >= 10);
    assert!(manifest["accounts"][0]["private_key"].is_string());
    assert!(manifest["tokens"][0]["decimals"].is_number());
    assert!(manifest["operator"].is_object());
    assert!(!run.left_behind().is_empty(), "what runs names the folder");
    run.process.signal(Signal::SIGINT).unwrap();
    let (success, text) = run.end().await;
    assert!(success, "{text}");
    assert_eq!(run.left_behind(), Vec::<String>::new());
}
