use pabal_gateway::{Handle, InquireCall};
use pabal_switch::{By, Refusal};
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::exchange::{exchange_id, time_left};
use crate::proto::{
    CommandRequest, CommandResponse, CommandsRequest, CommandsResponse, ControlsRequest, ControlsResponse,
    InquireRequest, InquireResponse, InstitutionStatus, OpenNoticesRequest, OpenNoticesResponse, ReloadSpecRequest,
    ReloadSpecResponse, SearchRequest, SearchResponse, ShowRequest, ShowResponse, StatusRequest, StatusResponse,
    UnclaimedRequest, UnclaimedResponse, control_server,
};
use crate::refused::Refused;
use crate::trace::Trace;
use crate::{actor, answer, command, reload, search, status};

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
        self.reload(request).await.map(Response::new).map_err(|refused| refused.of_question().into())
    }

    async fn command(&self, request: Request<CommandRequest>) -> Result<Response<CommandResponse>, Status> {
        self.act(request).await.map(Response::new).map_err(|refused| refused.of_question().into())
    }

    async fn controls(&self, request: Request<ControlsRequest>) -> Result<Response<ControlsResponse>, Status> {
        let ControlsRequest { institution, unmasked } = request.into_inner();
        match self.handle.status(&institution).await {
            Some(status) => {
                let hindered = self.handle.spec_hindered(&institution).await;
                Ok(Response::new(command::controls(&self.handle, &institution, &status, &hindered, unmasked)))
            }
            None => Err(unknown_institution(&institution, &self.handle.institutions()).of_question().into()),
        }
    }

    async fn commands(&self, request: Request<CommandsRequest>) -> Result<Response<CommandsResponse>, Status> {
        self.look_back(request.into_inner()).await.map(Response::new).map_err(|refused| refused.of_question().into())
    }

    async fn unclaimed(&self, request: Request<UnclaimedRequest>) -> Result<Response<UnclaimedResponse>, Status> {
        let request = request.into_inner();
        let institution = Some(request.institution.as_str()).filter(|name| !name.is_empty());
        match self.handle.unclaimed(institution, command::told_at_most(request.max)).await {
            Ok(found) => Ok(Response::new(search::unclaimed(&self.handle, found))),
            Err(error) => Err(Refused::by_gateway(&request.institution, error).of_question().into()),
        }
    }

    async fn open_notices(
        &self,
        request: Request<OpenNoticesRequest>,
    ) -> Result<Response<OpenNoticesResponse>, Status> {
        let request = request.into_inner();
        let institution = Some(request.institution.as_str()).filter(|name| !name.is_empty());
        match self.handle.open_notices(institution, command::told_at_most(request.max)).await {
            Ok((notices, more)) => Ok(Response::new(search::open_notices(&self.handle, notices, more))),
            Err(error) => Err(Refused::by_gateway(&request.institution, error).of_question().into()),
        }
    }
}

impl Control {
    async fn ask(&self, request: Request<InquireRequest>) -> Result<InquireResponse, Refused> {
        let trace = Trace::of(request.metadata());
        let timeout = time_left(&request);
        let by = by(&request, &request.get_ref().institution, &request.get_ref().actor, &request.get_ref().reason)?;
        let request = request.into_inner();
        let institution = request.institution;
        let call = InquireCall {
            exchange: exchange_id(&institution, &request.exchange_id)?,
            institution: institution.clone(),
            actor: by.actor.into(),
            reason: by.reason.into(),
            timeout,
            trace: Some(trace.parent()),
        };
        let (inquiry, original) =
            self.handle.inquire(call).await.map_err(|error| Refused::by_gateway(&institution, error))?;
        let zone_minutes = self.handle.zone(&institution).seconds() / 60;
        Ok(InquireResponse {
            inquiry: Some(answer::response(&inquiry, &trace)),
            original: Some(answer::found(original, zone_minutes)),
        })
    }

    async fn look_for(&self, request: SearchRequest) -> Result<SearchResponse, Refused> {
        let institution = request.institution.clone();
        let search = search::search(request)?;
        let found = self.handle.search(search).await.map_err(|error| Refused::by_gateway(&institution, error))?;
        Ok(search::response(&self.handle, found))
    }

    async fn look_at(&self, request: ShowRequest) -> Result<ShowResponse, Refused> {
        let institution = request.institution;
        let id = exchange_id(&institution, &request.id)?;
        match self.handle.show(&institution, id).await.map_err(|error| Refused::by_gateway(&institution, error))? {
            Some(detail) => Ok(search::detail(&self.handle, detail, request.unmasked)),
            None => Ok(ShowResponse::default()),
        }
    }

    async fn act(&self, request: Request<CommandRequest>) -> Result<CommandResponse, Refused> {
        let by = by(&request, &request.get_ref().institution, &request.get_ref().actor, &request.get_ref().reason)?;
        let CommandRequest { institution, command, .. } = request.into_inner();
        let command = command::command(&self.handle, &institution, command).await?;
        let (handle, actor) = (self.handle.clone(), by.actor.to_string());
        // What is begun is told to whoever still listens; a client that goes away changes nothing.
        let done = handle.command(&institution, command.clone(), by).await;
        let replaced = done.map_err(|error| command::refused(&institution, error))?;
        let status = self.handle.status(&institution).await.unwrap_or_default();
        let hindered = match &command {
            pabal_switch::Command::Block { .. } => self.handle.spec_hindered(&institution).await,
            _ => Vec::new(),
        };
        let held_by = command::held_by(&institution, &command, &status, &self.handle.lines(&institution));
        Ok(CommandResponse {
            actor,
            held_by: held_by.unwrap_or_default(),
            replaced: replaced.map(|one| command::control_line(&self.handle, &institution, &one, false)),
            zone_minutes: self.handle.zone(&institution).seconds() / 60,
            hindered: reload::hindered(&hindered),
        })
    }

    async fn look_back(&self, request: CommandsRequest) -> Result<CommandsResponse, Refused> {
        let institution = Some(request.institution.as_str()).filter(|name| !name.is_empty());
        let max = command::told_at_most(request.max);
        let found = self.handle.command_log(institution, max).await;
        let found = found.map_err(|error| Refused::by_gateway(&request.institution, error))?;
        Ok(command::log(&self.handle, found, request.unmasked))
    }

    async fn reload(&self, request: Request<ReloadSpecRequest>) -> Result<ReloadSpecResponse, Refused> {
        let by = by(&request, &request.get_ref().institution, &request.get_ref().actor, &request.get_ref().reason)?;
        let institution = request.into_inner().institution;
        let (handle, wanted) = (self.handle.clone(), (!institution.is_empty()).then(|| institution.clone()));
        // A task of its own: a client that goes away midway must not leave some institutions with the new version and some with the old.
        let zones = self.handle.clone();
        let work = async move {
            let (institution, actor, reason) = (wanted.as_deref(), &*by.actor, &*by.reason);
            let reloaded = handle.reload(institution, actor, reason).await;
            if let Err(error) = &reloaded {
                tracing::error!(event = "reload_refused", institution, caller = actor, reason, "{error}");
            }
            reloaded
        };
        match tokio::spawn(work.in_current_span()).await {
            Ok(reloaded) => reloaded
                .map(|done| reload::response(done, |name| zones.zone(name)))
                .map_err(|error| reload::refused(&institution, &error)),
            Err(ended) => {
                let text = format!("the reload broke down; look at the digests that `status` tells: {ended}");
                Err(Refused::new(Refusal::Stopped, &institution, text))
            }
        }
    }

    async fn look(&self, wanted: String) -> Result<StatusResponse, Refused> {
        let names = if wanted.is_empty() { self.handle.institutions() } else { vec![wanted] };
        let mut institutions = Vec::with_capacity(names.len());
        for name in names {
            let Some(status) = self.handle.status(&name).await else {
                return Err(unknown_institution(&name, &self.handle.institutions()));
            };
            let health = self.handle.health(&name).map(|health| health.borrow().clone());
            let (lines, spec) = (self.handle.lines(&name), self.handle.spec_digest(&name));
            let zone_minutes = self.handle.zone(&name).seconds() / 60;
            let blocked_by = command::blocked_by(&self.handle, &name, &status);
            let told = status::institution(name, &status, health, &lines, spec, self.handle.now());
            institutions.push(InstitutionStatus { zone_minutes, blocked_by, ..told });
        }
        Ok(StatusResponse { institutions })
    }
}

/// Who acts, as far as that is known, and why.
fn by<T>(request: &Request<T>, institution: &str, claimed: &str, reason: &str) -> Result<By, Refused> {
    let told = |field: &str, text: &str, bytes_max: usize| {
        if text.trim().is_empty() || text.len() > bytes_max {
            let fix = format!("{} bytes; give 1 to {bytes_max}, they are journaled", text.len());
            return Err(Refused::invalid(institution, field, fix));
        }
        Ok(())
    };
    let known = actor::known(request.extensions());
    if known.is_none() {
        told("actor", claimed, ACTOR_BYTES_MAX)?;
    }
    told("reason", reason, REASON_BYTES_MAX)?;
    let actor = known.unwrap_or_else(|| actor::claimed(claimed));
    Ok(By { actor: actor.into(), reason: reason.into() })
}

fn unknown_institution(name: &str, configured: &[String]) -> Refused {
    let known = configured.join("`, `");
    Refused::new(
        Refusal::UnknownInstitution,
        name,
        format!("no institution {name:?} is configured; there is `{known}`"),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use pabal_gateway::{Config, Gateway};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_reload_goes_on_though_its_client_goes_away() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let spec = directory.path().join("spec");
        std::fs::create_dir(&spec).expect("it is new");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
        let sources = pabal_gateway::spec_sources(&shipped).expect("shipped");
        for source in &sources {
            std::fs::write(spec.join(&source.name), &source.text).expect("writable");
        }
        let config = format!(
            r#"
            [gateway]
            data_dir = "data"
            [institutions.hecto]
            spec = {spec:?}
            [[institutions.hecto.lines]]
            name = "out"
            protocol = "firmbanking"
            side = "initiator"
            direction = "duplex"
            address = "127.0.0.1:9"
            [[institutions.hecto.parties]]
            name = "main"
            fields = {{ id_code = "HFB000001", company_no = "PABAL01" }}
            participants = ["088"]
            "#
        );
        let file = directory.path().join("pabal.toml");
        let config = Config::parse(&config, file.to_str().expect("UTF-8")).unwrap_or_else(|error| panic!("{error}"));
        let gateway = Gateway::start(config).await.unwrap_or_else(|error| panic!("{error}"));
        let handle = gateway.handle();
        let old = handle.spec_digest("hecto");
        std::fs::write(spec.join(&sources[0].name), format!("{}\n", sources[0].text)).expect("writable");

        let control = Control { handle: handle.clone() };
        let request =
            ReloadSpecRequest { institution: String::new(), actor: "kim".to_owned(), reason: "new codes".to_owned() };
        {
            let reload = std::pin::pin!(control.reload(Request::new(request)));
            tokio::select! {
                biased;
                _ = reload => panic!("it is not done at once"),
                // It has begun; the client goes.
                () = std::future::ready(()) => {}
            }
        }
        let is_new = async {
            while handle.spec_digest("hecto") == old {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), is_new).await.expect("the new version is in force");
        gateway.drain(Duration::from_secs(1)).await;
    }
}
