//! The server: some workers and a queue, in virtual time.
//!
//! It is a discrete-event model behind an async interface. Work begins and ends at its exact nanosecond, whatever tokio's
//! timer rounds to; only the answer to the client is rounded up to the next millisecond. So the capacity is exact, and a call
//! costs two wake-ups and no task.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resilient::Deadline;
use tokio::time::Instant;

use crate::latency::{self, Latency, Measured};

/// The settings of a server.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The number of calls that it works on at once.
    pub workers: u32,
    /// The reaction to a client that goes away.
    pub on_leave: OnLeave,
    /// The number of waiting calls at which a further one is refused at once. Without it, the queue has no end.
    pub shed_at: Option<usize>,
    /// A time during which work that begins takes longer.
    pub slow: Option<Slow>,
    /// Is true if some calls take far longer than most.
    pub tail: bool,
    /// The probability that a copy of a request takes as long as the first.
    pub correlation: f64,
    /// Measured times of the work, in place of those of the scenarios.
    pub times: Option<Measured>,
    /// The time that a worker rests after each call, so that the capacity can be any.
    pub rest: Duration,
    /// The share of the calls that end with an error after their usual time.
    pub errors: f64,
    /// The times without service.
    pub down: Vec<Down>,
    /// The times in which it allows fewer calls than it could serve. None of them overlap.
    pub quota: Vec<Quota>,
}

/// A time in which the server does not serve.
#[derive(Debug, Clone, Copy)]
pub struct Down {
    /// The beginning.
    pub from: Duration,
    /// The end.
    pub until: Duration,
    /// Is true if an attempt never gets an answer, and false if it fails at once.
    pub hangs: bool,
}

/// A time in which the server throttles.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// The beginning.
    pub from: Duration,
    /// The end.
    pub until: Duration,
    /// The calls a second that it allows.
    pub rate: f64,
    /// The calls that it allows at once.
    pub burst: f64,
}

/// The fate of a call whose client has gone away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLeave {
    /// The call leaves the queue, or its worker.
    Stop,
    /// The call is served all the same, as by servers that do not watch their connections.
    GoOn,
}

/// The two things by which servers differ.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    on_leave: OnLeave,
    shed_at: Option<usize>,
}

/// Every kind of server.
pub const KINDS: [Kind; 4] = [
    Kind { on_leave: OnLeave::Stop, shed_at: None },
    Kind { on_leave: OnLeave::GoOn, shed_at: None },
    Kind { on_leave: OnLeave::Stop, shed_at: Some(100) },
    Kind { on_leave: OnLeave::GoOn, shed_at: Some(100) },
];

/// A brown-out.
#[derive(Debug, Clone, Copy)]
pub struct Slow {
    /// The beginning.
    pub from: Duration,
    /// The end.
    pub until: Duration,
    /// The factor by which work takes longer.
    pub factor: f64,
}

/// A server with workers that serve one call at a time, and a queue in order of arrival.
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    start: Instant,
    state: Mutex<State>,
}

/// The reasons of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The queue is full.
    Full,
    /// The deadline that came with the call had passed before its turn came.
    Expired,
    /// The call failed.
    Failed,
    /// The quota is used up.
    Throttled {
        /// The time after which there is some again.
        after: Duration,
    },
}

/// The counts of a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// The attempts that arrived.
    pub arrived: u64,
    /// The attempts that were refused.
    pub refused: u64,
    /// The attempts that were worked on to the end.
    pub served: u64,
    /// The attempts whose clients left before they were served, and that were not served.
    pub left: u64,
    /// The attempts in the queue or at a worker.
    pub inside: u64,
    /// The attempts that were begun after the end of their call.
    pub begun_late: u64,
}

#[derive(Debug)]
struct State {
    latency: Latency,
    /// The time of the first copy of each request, where it matters.
    copies: HashMap<u64, f64>,
    jobs: Vec<Job>,
    queue: VecDeque<usize>,
    /// The number of calls in the queue that have not left.
    waiting: usize,
    /// The ends of the calls that are worked on, and of some that have left.
    ends: BinaryHeap<Reverse<(Duration, usize)>>,
    workers: u32,
    idle: u32,
    resting: u32,
    /// The number of attempts that wait for an answer that never comes.
    hung: u64,
    /// The calls of the quota that are left, and the time of that count.
    left_of_quota: (f64, Duration),
    seen: Seen,
}

#[derive(Debug)]
struct Job {
    phase: Phase,
    request: Option<u64>,
    deadline: Option<Duration>,
    due: Option<Duration>,
    waker: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Working,
    Hung,
    Served,
    Refused(Refusal),
    Left,
}

impl Seen {
    /// Returns the counts of two servers together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            arrived: self.arrived + other.arrived,
            refused: self.refused + other.refused,
            served: self.served + other.served,
            left: self.left + other.left,
            inside: self.inside + other.inside,
            begun_late: self.begun_late + other.begun_late,
        }
    }
}

impl Setup {
    /// Returns the setup of so many workers, which stop when a client leaves, and a queue without end.
    pub const fn of(workers: u32) -> Self {
        Self {
            workers,
            on_leave: OnLeave::Stop,
            shed_at: None,
            slow: None,
            tail: true,
            correlation: 0.0,
            times: None,
            rest: Duration::ZERO,
            errors: 0.0,
            down: Vec::new(),
            quota: Vec::new(),
        }
    }

    /// Returns the calls a second that the server can serve.
    pub fn capacity(&self) -> f64 {
        let mean = self.times.as_ref().map_or(latency::MEAN, Measured::mean);
        f64::from(self.workers) / (mean + self.rest.as_secs_f64())
    }
}

impl OnLeave {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stops when a client leaves",
            Self::GoOn => "goes on when a client leaves",
        }
    }
}

impl fmt::Display for OnLeave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shed_at {
            Some(most) => write!(f, "{}, sheds at {most}", self.on_leave),
            None => write!(f, "{}, no end of the queue", self.on_leave),
        }
    }
}

impl Kind {
    /// Returns the setup of so many workers of this kind.
    pub fn with(self, workers: u32) -> Setup {
        Setup { on_leave: self.on_leave, shed_at: self.shed_at, ..Setup::of(workers) }
    }
}

impl Server {
    /// Starts a server whose time begins now.
    pub fn start(setup: Setup, seed: u64) -> Arc<Self> {
        let latency = Latency::seeded(seed);
        let latency = match &setup.times {
            Some(times) => latency.measured(times.clone()),
            None if setup.tail => latency,
            None => latency.without_tail(),
        };
        let state = State {
            latency,
            copies: HashMap::new(),
            jobs: Vec::new(),
            queue: VecDeque::new(),
            waiting: 0,
            ends: BinaryHeap::new(),
            workers: setup.workers,
            idle: setup.workers,
            resting: 0,
            hung: 0,
            left_of_quota: (setup.quota.first().map_or(0.0, |quota| quota.burst), Duration::ZERO),
            seen: Seen::default(),
        };
        Arc::new(Self { setup, start: Instant::now(), state: Mutex::new(state) })
    }

    /// Serves one attempt of a client. The attempt arrives when the future is first polled.
    ///
    /// A call that still waits at the deadline of its header is not begun. `due` is the true end of the call.
    pub fn serve(&self, header: Option<&str>, due: Option<Instant>) -> Reply<'_> {
        let deadline = header.and_then(|header| Deadline::from_header(header).ok()).map(Deadline::instant);
        Reply { server: self, request: None, deadline, due, job: None }
    }

    /// Serves one attempt at a request that may have several copies.
    pub fn serve_copy(&self, request: u64) -> Reply<'_> {
        Reply { server: self, request: Some(request), deadline: None, due: None, job: None }
    }

    /// Ends and begins the work whose time has come. The driver of a run calls it once a millisecond.
    pub fn tick(&self) {
        drop(self.present());
    }

    /// Returns the counts so far.
    pub fn seen(&self) -> Seen {
        let state = self.present();
        let mut seen = state.seen;
        seen.inside = state.waiting as u64 + state.working() + state.hung;
        seen
    }

    /// Returns the state as it is now.
    fn present(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(&self.setup, self.start.elapsed());
        state
    }
}

impl State {
    fn advance(&mut self, setup: &Setup, now: Duration) {
        while let Some(&Reverse((end, job))) = self.ends.peek()
            && end <= now
        {
            self.ends.pop();
            if job == RESTED {
                self.idle += 1;
                self.resting -= 1;
                self.begin_next(setup, end);
            } else if self.jobs[job].phase == Phase::Working {
                self.seen.served += 1;
                let fails = self.latency.chance(setup.errors);
                self.reply(job, if fails { Phase::Refused(Refusal::Failed) } else { Phase::Served });
                self.rest(setup, end);
            }
        }
    }

    /// Returns the number of workers that work on a call.
    fn working(&self) -> u64 {
        u64::from(self.workers - self.idle - self.resting)
    }

    /// Gives a worker that is done the next call, or a rest before it.
    fn rest(&mut self, setup: &Setup, now: Duration) {
        if setup.rest.is_zero() {
            self.idle += 1;
            self.begin_next(setup, now);
        } else {
            self.resting += 1;
            self.ends.push(Reverse((now + setup.rest, RESTED)));
        }
    }

    /// Returns the reason for which the server takes no call now, if there is one.
    fn refuses(&mut self, setup: &Setup, now: Duration) -> Option<Phase> {
        if let Some(down) = setup.down.iter().find(|down| down.from <= now && now < down.until) {
            return Some(if down.hangs { Phase::Hung } else { Phase::Refused(Refusal::Failed) });
        }
        if let Some(quota) = setup.quota.iter().find(|quota| quota.from <= now && now < quota.until) {
            let (left, since) = self.left_of_quota;
            let left = (left + now.saturating_sub(since).as_secs_f64() * quota.rate).min(quota.burst);
            let allowed = left >= 1.0;
            self.left_of_quota = (if allowed { left - 1.0 } else { left }, now);
            if !allowed {
                // providers name whole seconds
                let after = Duration::from_secs_f64(((1.0 - left) / quota.rate).ceil());
                return Some(Phase::Refused(Refusal::Throttled { after }));
            }
        }
        let is_full = setup.shed_at.is_some_and(|most| self.waiting >= most);
        is_full.then_some(Phase::Refused(Refusal::Full))
    }

    fn arrive(&mut self, setup: &Setup, now: Duration, job: Job) -> usize {
        let number = self.jobs.len();
        self.seen.arrived += 1;
        if let Some(phase) = self.refuses(setup, now) {
            match phase {
                Phase::Hung => self.hung += 1,
                _ => self.seen.refused += 1,
            }
            self.jobs.push(Job { phase, ..job });
            return number;
        }
        self.jobs.push(job);
        self.queue.push_back(number);
        self.waiting += 1;
        self.begin_next(setup, now);
        number
    }

    /// Gives the waiting calls to the idle workers.
    fn begin_next(&mut self, setup: &Setup, now: Duration) {
        while self.idle > 0
            && let Some(job) = self.queue.pop_front()
        {
            if self.jobs[job].phase != Phase::Waiting {
                continue;
            }
            self.waiting -= 1;
            if self.jobs[job].deadline.is_some_and(|deadline| deadline <= now) {
                self.seen.refused += 1;
                self.reply(job, Phase::Refused(Refusal::Expired));
                continue;
            }
            self.seen.begun_late += u64::from(self.jobs[job].due.is_some_and(|due| due < now));
            self.idle -= 1;
            self.jobs[job].phase = Phase::Working;
            let factor = setup.slow.map_or(1.0, |slow| slow.factor_at(now));
            let time = Duration::from_secs_f64(self.time_for(setup, job) * factor);
            self.ends.push(Reverse((now + time, job)));
        }
    }

    /// Returns the time that the job takes, in seconds.
    fn time_for(&mut self, setup: &Setup, job: usize) -> f64 {
        let Some(request) = self.jobs[job].request.filter(|_| setup.correlation > 0.0) else {
            return self.latency.draw();
        };
        match self.copies.get(&request) {
            Some(&first) if self.latency.chance(setup.correlation) => first,
            _ => {
                let time = self.latency.draw();
                self.copies.entry(request).or_insert(time);
                time
            }
        }
    }

    fn reply(&mut self, job: usize, phase: Phase) {
        self.jobs[job].phase = phase;
        if let Some(waker) = self.jobs[job].waker.take() {
            waker.wake();
        }
    }

    fn leave(&mut self, setup: &Setup, now: Duration, job: usize) {
        self.jobs[job].waker = None;
        if self.jobs[job].phase == Phase::Hung {
            self.hung -= 1;
            self.seen.left += 1;
            self.jobs[job].phase = Phase::Left;
            return;
        }
        if setup.on_leave == OnLeave::GoOn {
            return;
        }
        match self.jobs[job].phase {
            Phase::Waiting => self.waiting -= 1,
            Phase::Working => self.rest(setup, now),
            Phase::Served | Phase::Refused(_) | Phase::Left | Phase::Hung => return,
        }
        self.jobs[job].phase = Phase::Left;
        self.seen.left += 1;
    }
}

impl Slow {
    fn factor_at(self, now: Duration) -> f64 {
        if self.from <= now && now < self.until { self.factor } else { 1.0 }
    }
}

/// The future of [`Server::serve`]. To drop it is to go away.
#[derive(Debug)]
pub struct Reply<'a> {
    server: &'a Server,
    request: Option<u64>,
    deadline: Option<Instant>,
    due: Option<Instant>,
    job: Option<usize>,
}

impl Future for Reply<'_> {
    type Output = Result<(), Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let server = self.server;
        let mut state = server.present();
        let job = self.job.unwrap_or_else(|| {
            let since_start = |at: Instant| at.saturating_duration_since(server.start);
            let job = Job {
                phase: Phase::Waiting,
                request: self.request,
                deadline: self.deadline.map(since_start),
                due: self.due.map(since_start),
                waker: Some(context.waker().clone()),
            };
            state.arrive(&server.setup, server.start.elapsed(), job)
        });
        self.job = Some(job);
        match state.jobs[job].phase {
            Phase::Served => Poll::Ready(Ok(())),
            Phase::Refused(refusal) => Poll::Ready(Err(refusal)),
            Phase::Waiting | Phase::Working | Phase::Hung | Phase::Left => {
                let waker = &mut state.jobs[job].waker;
                if waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
                    *waker = Some(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for Reply<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.job {
            let mut state = self.server.present();
            state.leave(&self.server.setup, self.server.start.elapsed(), job);
        }
    }
}

/// The end of a rest among the ends of calls.
const RESTED: usize = usize::MAX;
