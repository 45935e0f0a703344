use pabal_gateway::{Handle, Health, InquireCall};
use pabal_switch::Refusal;
use tonic::{Request, Response, Status};

use crate::exchange::{exchange_id, time_left};
use crate::proto::{
    InquireRequest, InquireResponse, InstitutionStatus, OpeningStatus, ReloadSpecRequest, ReloadSpecResponse,
    SearchRequest, SearchResponse, SessionStatus, ShowRequest, ShowResponse, StatusRequest, StatusResponse,
    control_server,
};
use crate::refused::Refused;
use crate::trace::Trace;
use crate::{answer, reload, search};

/// Bytes of an actor's name and of its reason.
const ACTOR_BYTES_MAX: usize = 128;
const REASON_BYTES_MAX: usize = 1_024;

/// `pabal.v1.Control`.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) handle: Handle,
}

#[tonic::async_trait]
impl control_server::Control for Control {
    async fn inquire(&self, request: Request<InquireRequest>) -> Result<Response<InquireResponse>, Status> {
        self.ask(request).await.map(Response::new).map_err(|refused| refused.of_question().into())
    }

    async fn status(&self, request: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let wanted = request.into_inner().institution;
        self.look(wanted).await.map(Response::new).map_err(|refused| refused.of_question().into())
    }

    async fn search(&self, request: Request<SearchRequest>) -> Result<Response<SearchResponse>, Status> {
        self.look_for(request.into_inner()).await.map(Response::new).map_err(|refused| refused.of_question().into())
    }

    async fn show(&self, request: Request<ShowRequest>) -> Result<Response<ShowResponse>, Status> {
        self.look_at(request.into_inner()).await.map(Response::new).map_err(|refused| refused.of_question().into())
    }

    async fn reload_spec(&self, request: Request<ReloadSpecRequest>) -> Result<Response<ReloadSpecResponse>, Status> {
        self.reload(request.into_inner()).await.map(Response::new).map_err(|refused| refused.of_question().into())
    }
}

impl Control {
    async fn ask(&self, request: Request<InquireRequest>) -> Result<InquireResponse, Refused> {
        let trace = Trace::of(request.metadata());
        let timeout = time_left(&request);
        let request = request.into_inner();
        let institution = request.institution;
        is_told(&institution, &request.actor, &request.reason)?;
        let call = InquireCall {
            exchange: exchange_id(&institution, &request.exchange_id)?,
            institution: institution.clone(),
            actor: request.actor,
            reason: request.reason,
            timeout,
            trace: Some(trace.parent()),
        };
        let (inquiry, original) =
            self.handle.inquire(call).await.map_err(|error| Refused::by_gateway(&institution, error))?;
        Ok(InquireResponse {
            inquiry: Some(answer::response(&inquiry, &trace)),
            original: Some(answer::found(original)),
        })
    }

    async fn look_for(&self, request: SearchRequest) -> Result<SearchResponse, Refused> {
        let institution = request.institution.clone();
        let (search, max) = search::search(request)?;
        let found = self.handle.search(search).await.map_err(|error| Refused::by_gateway(&institution, error))?;
        Ok(search::response(found, max))
    }

    async fn look_at(&self, request: ShowRequest) -> Result<ShowResponse, Refused> {
        let institution = request.institution;
        let id = exchange_id(&institution, &request.id)?;
        match self.handle.show(&institution, id).await.map_err(|error| Refused::by_gateway(&institution, error))? {
            Some(detail) => Ok(search::detail(detail, request.unmasked)),
            None => Ok(ShowResponse::default()),
        }
    }

    async fn reload(&self, request: ReloadSpecRequest) -> Result<ReloadSpecResponse, Refused> {
        let institution = request.institution;
        is_told(&institution, &request.actor, &request.reason)?;
        let wanted = (!institution.is_empty()).then_some(&*institution);
        let reloaded = self.handle.reload(wanted, &request.actor, &request.reason).await;
        reloaded.map(reload::response).map_err(|error| reload::refused(&institution, &error))
    }

    async fn look(&self, wanted: String) -> Result<StatusResponse, Refused> {
        let names = if wanted.is_empty() { self.handle.institutions() } else { vec![wanted] };
        let mut institutions = Vec::with_capacity(names.len());
        for name in names {
            let Some(status) = self.handle.status(&name).await else {
                return Err(unknown_institution(&name, &self.handle.institutions()));
            };
            let health = self.handle.health(&name).map(|health| health.borrow().clone());
            institutions.push(institution(name, &status, health));
        }
        Ok(StatusResponse { institutions })
    }
}

/// Who acts says who he is and why.
fn is_told(institution: &str, actor: &str, reason: &str) -> Result<(), Refused> {
    for (field, text, bytes_max) in [("actor", actor, ACTOR_BYTES_MAX), ("reason", reason, REASON_BYTES_MAX)] {
        if text.trim().is_empty() || text.len() > bytes_max {
            let fix = format!("{} bytes; give 1 to {bytes_max}, they are journaled", text.len());
            return Err(Refused::invalid(institution, field, fix));
        }
    }
    Ok(())
}

fn unknown_institution(name: &str, configured: &[String]) -> Refused {
    Refused::new(Refusal::UnknownInstitution, name, format!("{name:?} is not among {}.", configured.join(", ")))
}

fn institution(name: String, status: &pabal_switch::Status, health: Option<Health>) -> InstitutionStatus {
    let (serving, not_serving_reason) = match health {
        Some(Health::Serving) => (true, String::new()),
        Some(Health::NotServing(reason)) => (false, reason),
        None => (false, "its health is not known".to_owned()),
    };
    InstitutionStatus {
        institution: name,
        serving,
        not_serving_reason,
        journal_works: status.journal_works,
        draining: status.draining,
        waiting: status.waiting,
        in_flight: status.in_flight,
        unknown: status.unknown,
        sessions: status.sessions.iter().map(session).collect(),
        openings: status.openings.iter().map(opening).collect(),
        ..InstitutionStatus::default()
    }
}

fn session(session: &pabal_switch::SessionStatus) -> SessionStatus {
    SessionStatus {
        line: session.line.to_string(),
        slot: u32::from(session.session.slot),
        state: session.state.word().to_owned(),
        state_text: session.state.sentence().to_owned(),
        epoch: session.conn.map_or(0, |conn| conn.epoch.0),
        in_flight: session.in_flight,
        unsent_bytes: session.unsent_bytes,
        closed_reason: session.closed.map(|reason| reason.word().to_owned()).unwrap_or_default(),
        closed_text: session.closed.map(|reason| reason.sentence().to_owned()).unwrap_or_default(),
        ..SessionStatus::default()
    }
}

fn opening(opening: &pabal_switch::OpeningStatus) -> OpeningStatus {
    OpeningStatus {
        party: opening.party.to_string(),
        values: opening.key.values.iter().map(|value| String::from_utf8_lossy(value).trim_end().to_owned()).collect(),
        business_date: opening.key.date.date().yyyymmdd(),
        state: opening.state.word().to_owned(),
        state_text: opening.state.sentence().to_owned(),
        reason: opening.reason.clone().unwrap_or_default(),
        ..OpeningStatus::default()
    }
}

#[cfg(test)]
mod tests {
    use pabal_clock::{BusinessDate, Date};
    use pabal_switch::{CloseReason, Conn, Epoch, LineId, OpeningKey, OpeningState, SessionId, SessionState};

    use super::*;

    #[test]
    fn an_operator_sees_each_session_and_opening() {
        let id = SessionId { line: LineId(0), slot: 2 };
        let status = pabal_switch::Status {
            sessions: vec![pabal_switch::SessionStatus {
                session: id,
                line: "send".into(),
                state: SessionState::Up,
                conn: Some(Conn { session: id, epoch: Epoch(9) }),
                in_flight: 3,
                window: 10,
                unsent_bytes: 304,
                received_at: None,
                wrote_at: None,
                closed: Some(CloseReason::PeerClosed),
            }],
            openings: vec![pabal_switch::OpeningStatus {
                key: OpeningKey {
                    values: vec![(*b"PABAL     ").into(), (*b"088").into()],
                    date: BusinessDate::from_date(Date::new(2026, 11, 21).expect("a day")),
                },
                party: "main".into(),
                state: OpeningState::Lost,
                reason: Some("8003".into()),
                next_try: None,
            }],
            waiting: 1,
            in_flight: 3,
            unknown: 2,
            journal_works: true,
            draining: false,
            numbers: Vec::new(),
        };
        let shown = institution("hecto".into(), &status, Some(Health::NotServing("no opening is open".into())));
        let (session, opening) = (&shown.sessions[0], &shown.openings[0]);
        assert_eq!((shown.serving, &*shown.not_serving_reason), (false, "no opening is open"));
        assert_eq!((&*session.line, session.slot, &*session.state, session.epoch), ("send", 2, "up", 9));
        assert_eq!(session.closed_reason, "peer_closed");
        assert_eq!((&opening.values[..], opening.business_date), (&["PABAL".to_owned(), "088".into()][..], 20_261_121));
        assert_eq!((&*opening.state, &*opening.reason), ("lost", "8003"));
    }
}
