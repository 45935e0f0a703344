use std::time::Duration;

/// How long anything may take that must happen. Nothing is waited for this long if all is right.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long until a question is asked again.
pub(crate) const ASK_AGAIN: Duration = Duration::from_millis(3);

/// Waits for something.
///
/// # Panics
/// It does not come.
pub async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, happens).await {
        Ok(came) => came,
        Err(_) => panic!("this did not happen within {PATIENCE:?}: {what}"),
    }
}

/// Asks until there is an answer.
///
/// # Panics
/// There is none.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    soon(what, async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    })
    .await
}
