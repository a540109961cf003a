//! Child processes that never outlive us.
//!
//! Children are started by one thread that lives as long as the process and carry a parent-death
//! signal (`setpriv --pdeathsig`), so even a harness killed with -9 leaves nothing behind. The
//! signal follows the starting *thread*, hence the one thread.

use std::{
    fs::File,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{LazyLock, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

type Job = (Command, mpsc::SyncSender<io::Result<Child>>);

static STARTER: LazyLock<Mutex<mpsc::SyncSender<Job>>> = LazyLock::new(|| {
    let (send, receive) = mpsc::sync_channel::<Job>(16);
    thread::spawn(move || {
        for (mut command, reply) in receive {
            let _ = reply.send(command.spawn());
        }
    });
    Mutex::new(send)
});

/// What to start.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    path: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// Signal sent when our process dies, and first on stop.
    stop: Signal,
    user: Option<&'static str>,
    log: Option<PathBuf>,
}

impl Program {
    /// The program at `path`, called `name` in messages.
    #[must_use]
    pub fn new(name: &'static str, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            name,
            path,
            args: Vec::new(),
            env: Vec::new(),
            stop: Signal::SIGTERM,
            user: None,
            log: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Stops with this signal instead of SIGTERM.
    #[must_use]
    pub const fn stop_with(mut self, signal: Signal) -> Self {
        self.stop = signal;
        self
    }

    /// Runs as another user, if we are root.
    #[must_use]
    pub fn as_user(mut self, user: &'static str) -> Self {
        self.user = nix::unistd::geteuid().is_root().then_some(user);
        self
    }

    /// Writes output to a file instead of dropping it.
    #[must_use]
    pub fn log_to(mut self, path: impl AsRef<Path>) -> Self {
        self.log = Some(path.as_ref().to_owned());
        self
    }

    fn command(&self) -> io::Result<Command> {
        let mut command = Command::new("setpriv");
        if let Some(user) = self.user {
            command.args(["--reuid", user, "--regid", user, "--init-groups"]);
        }
        command.arg("--pdeathsig").arg(self.stop.as_str().trim_start_matches("SIG"));
        command.arg("--").arg(&self.path).args(&self.args);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        // Ctrl-C in a terminal reaches every process of the group at once; ours are stopped in order
        command.process_group(0);
        match &self.log {
            None => command.stdout(Stdio::null()).stderr(Stdio::null()),
            Some(path) => {
                let file = File::options().create(true).append(true).open(path)?;
                command.stdout(file.try_clone()?).stderr(file)
            }
        };
        Ok(command)
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// If it cannot be started or does not end well.
    pub fn run(&self) -> io::Result<()> {
        let output = self.command()?.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("{} ended with {}: {text}", self.name, output.status)))
    }

    /// Starts it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(self) -> io::Result<Process> {
        let (reply, started) = mpsc::sync_channel(1);
        let gone = |_| io::Error::other("the starter thread is gone");
        let starter = STARTER.lock().map_err(|e| gone(e.to_string()))?;
        starter.send((self.command()?, reply)).map_err(|e| gone(e.to_string()))?;
        drop(starter);
        let child = started.recv().map_err(|e| gone(e.to_string()))??;
        Ok(Process { child, name: self.name, stop: self.stop })
    }
}

/// A running child; stopped by its process id when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: &'static str,
    stop: Signal,
}

impl Process {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).map_err(io::Error::other)?;
        kill(Pid::from_raw(pid), signal).map_err(io::Error::from)
    }

    /// Kills it with -9 and waits until it is gone.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks it to stop, waits up to `patience`, then kills it. Returns whether it went by itself.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub fn stop(&mut self, patience: Duration) -> io::Result<bool> {
        if self.child.try_wait()?.is_some() {
            return Ok(true);
        }
        let _ = self.signal(Signal::SIGCONT);
        self.signal(self.stop)?;
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.kill9()?;
        Ok(false)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.stop(Duration::from_secs(10)).is_err() {
            tracing::warn!(name = self.name, "could not be stopped");
        }
    }
}

/// Finds a program on PATH or in `also`.
#[must_use]
pub fn find_program(name: &str, also: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend_from_slice(also);
    folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file())
}
