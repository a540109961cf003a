//! One WebSocket: reads frames, submits bids, passes the stream on; closes whoever is silent.

use std::{net::IpAddr, time::Duration};

use actix_web::web::Data;
use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError, Session,
};
use domain::AuctionId;
use futures_util::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use serde_json::{Map, Value};
use solvers::wire::{BidAccepted, ClientFrame, FrameError, ServerFrame};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::{
    admission::Place,
    app::App,
    bids, body,
    problem::{Code, Problem},
    stream::{Item, Subscription, hello},
};

/// Bids of one connection worked on at once; further frames wait in the socket.
const BIDS_AT_ONCE: usize = 32;
/// How long a client may take to make room for a message.
const PATIENCE: Duration = Duration::from_secs(10);
/// Heartbeats a client may let pass without a sign of life: a frame, or the pong to our ping.
const SILENT_BEATS: u32 = 3;

/// Why a connection ends.
enum End {
    /// With this code and sentence.
    Close(CloseCode, String),
    /// It is gone.
    Gone,
}

struct Connection {
    app: Data<App>,
    origin: IpAddr,
    socket: Session,
    subscription: Option<Subscription>,
    bids: FuturesUnordered<LocalBoxFuture<'static, ServerFrame>>,
    heard: Instant,
}

/// Serves a connection until its end. `place` is its place among the streams.
pub(super) async fn run(
    app: Data<App>,
    origin: IpAddr,
    place: Place,
    socket: Session,
    messages: AggregatedMessageStream,
) {
    let mut connection = Connection {
        app,
        origin,
        socket,
        subscription: None,
        bids: FuturesUnordered::new(),
        heard: Instant::now(),
    };
    let end = connection.serve(messages).await;
    connection.finish().await;
    if let End::Close(code, sentence) = end {
        let reason = CloseReason { code, description: Some(sentence) };
        // a client that is not there any more need not be told
        let _ = timeout(PATIENCE, connection.socket.close(Some(reason))).await;
    }
    drop(place);
}

impl Connection {
    async fn serve(&mut self, mut messages: AggregatedMessageStream) -> End {
        match hello(&self.app).await {
            Ok(hello) => {
                if let Err(end) = self.say(&ServerFrame::Hello(hello)).await {
                    return end;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "no hello");
                return End::Close(CloseCode::Again, "try again later".to_owned());
            }
        }
        let beat = Duration::from_millis(self.app.config.api.heartbeat_ms);
        let mut beats = interval_at(Instant::now() + beat, beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                () = self.app.stop.cancelled(), if self.subscription.is_none() => {
                    Err(End::Close(CloseCode::Restart, "shutting down".to_owned()))
                }
                item = next(&mut self.subscription) => self.pass_on(item).await,
                Some(answer) = self.bids.next() => self.say(&answer).await,
                message = messages.recv(), if self.bids.len() < BIDS_AT_ONCE => {
                    self.hear(message).await
                }
                _ = beats.tick() => self.beat(beat).await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn hear(
        &mut self,
        message: Option<Result<AggregatedMessage, ProtocolError>>,
    ) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Some(Ok(AggregatedMessage::Text(text))) => self.read(text.as_bytes()).await,
            Some(Ok(AggregatedMessage::Ping(bytes))) => in_time(self.socket.pong(&bytes)).await,
            Some(Ok(AggregatedMessage::Pong(_))) => Ok(()),
            Some(Ok(AggregatedMessage::Binary(_))) => {
                Err(End::Close(CloseCode::Unsupported, "send text frames".to_owned()))
            }
            Some(Ok(AggregatedMessage::Close(_))) => {
                Err(End::Close(CloseCode::Normal, "bye".to_owned()))
            }
            Some(Err(ProtocolError::Overflow)) => {
                Err(End::Close(CloseCode::Size, "the frame is too large".to_owned()))
            }
            Some(Err(_)) | None => Err(End::Gone),
        }
    }

    async fn read(&mut self, text: &[u8]) -> Result<(), End> {
        let frame = match body::parse(text) {
            Ok(object) => ClientFrame::parse(object).map_err(unread),
            Err(problem) => Err(problem),
        };
        match frame {
            Ok(ClientFrame::Ping) => self.say(&ServerFrame::Pong).await,
            Ok(ClientFrame::Subscribe { from }) => {
                match Subscription::open(&self.app, from).await {
                    Ok(subscription) => {
                        self.subscription = Some(subscription);
                        Ok(())
                    }
                    Err(problem) => self.say(&ServerFrame::Error(problem.nack())).await,
                }
            }
            Ok(ClientFrame::BidSubmit { reference, auction_id, body }) => {
                let (app, origin) = (self.app.clone(), self.origin);
                self.bids.push(Box::pin(submit(app, origin, reference, auction_id, body)));
                Ok(())
            }
            Err(problem) => self.say(&ServerFrame::Error(problem.nack())).await,
        }
    }

    async fn pass_on(&mut self, item: Option<Item>) -> Result<(), End> {
        match item {
            Some(Item::Event(frame)) => self.send(frame.ws()).await,
            Some(Item::Snapshot(part)) => self.say(&ServerFrame::Snapshot(*part)).await,
            Some(Item::Hello(hello)) => self.say(&ServerFrame::Hello(*hello)).await,
            Some(Item::Heartbeat(beat)) => self.say(&ServerFrame::Heartbeat(beat)).await,
            Some(Item::Resync(resync)) => {
                let reason = resync.reason.clone();
                self.say(&ServerFrame::ResyncRequired(resync)).await?;
                Err(End::Close(CloseCode::Policy, format!("resync required: {reason}")))
            }
            Some(Item::Closing(cursor)) => {
                Err(End::Close(CloseCode::Restart, format!("resume after {cursor}")))
            }
            None => Err(End::Close(CloseCode::Normal, "the stream ended".to_owned())),
        }
    }

    async fn beat(&mut self, beat: Duration) -> Result<(), End> {
        if self.heard.elapsed() > beat * SILENT_BEATS {
            return Err(End::Close(CloseCode::Policy, "no sign of life".to_owned()));
        }
        in_time(self.socket.ping(b"")).await
    }

    async fn say(&mut self, frame: &ServerFrame) -> Result<(), End> {
        match serde_json::to_string(frame) {
            Ok(text) => self.send(text).await,
            Err(error) => {
                tracing::error!(%error, "a frame that is no JSON");
                Err(End::Close(CloseCode::Error, "internal error".to_owned()))
            }
        }
    }

    async fn send(&mut self, text: String) -> Result<(), End> {
        in_time(self.socket.text(text)).await
    }

    /// Bids under way have their place already or will be refused: their answers are owed.
    async fn finish(&mut self) {
        let answers = async {
            while let Some(answer) = self.bids.next().await {
                let Ok(text) = serde_json::to_string(&answer) else { continue };
                if self.socket.text(text).await.is_err() {
                    return;
                }
            }
        };
        let _ = timeout(PATIENCE, answers).await;
    }
}

/// The next item of a subscription; never, while there is none.
async fn next(subscription: &mut Option<Subscription>) -> Option<Item> {
    match subscription {
        Some(subscription) => subscription.next().await,
        None => std::future::pending().await,
    }
}

/// A client that does not read is let go.
async fn in_time(sent: impl Future<Output = Result<(), actix_ws::Closed>>) -> Result<(), End> {
    match timeout(PATIENCE, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

async fn submit(
    app: Data<App>,
    origin: IpAddr,
    reference: String,
    auction: AuctionId,
    body: Map<String, Value>,
) -> ServerFrame {
    let admitted = app.gate.ip(origin).and_then(|()| app.gate.permit());
    let submitted = match admitted {
        Ok(_permit) => bids::submit(&app, auction, body).await,
        Err(problem) => Err(problem),
    };
    match submitted {
        Ok(accepted) => {
            let BidAccepted { receipt, advice } = accepted.answer;
            ServerFrame::BidAck { reference, receipt, advice }
        }
        Err(problem) => ServerFrame::BidNack { reference, nack: problem.nack() },
    }
}

fn unread(error: FrameError) -> Problem {
    match error {
        FrameError::UnknownType => Problem::new(Code::MessageInvalid, error.to_string()),
        FrameError::Fields(errors) => Problem::fields(Code::MessageInvalid, &errors),
    }
}
