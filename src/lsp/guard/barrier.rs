//! The barrier that a panic in a handler does not pass: it becomes an error answer, and the session goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use futures::FutureExt;
use futures::future::BoxFuture;
use tower_lsp::jsonrpc::{ErrorCode, Id, Request, Response};
use tower_service::Service;

use super::screen::error_response;

/// How far a handler came when it was polled once.
pub(super) enum Handled {
    /// To its end.
    Done(Option<Response>),
    /// It waits for something.
    Later(BoxFuture<'static, Option<Response>>),
}

/// Calls the handler of `request` and polls it once.
pub(super) async fn call<S>(service: &mut S, request: Request) -> Handled
where
    S: Service<Request, Response = Option<Response>>,
    S::Future: Send + 'static,
{
    let id = request.id().cloned();
    if futures::future::poll_fn(|context| service.poll_ready(context)).await.is_err() {
        return Handled::Done(failed(id));
    }
    let Ok(handler) = catch_unwind(AssertUnwindSafe(|| service.call(request))) else {
        return Handled::Done(failed(id));
    };
    let mut response = Box::pin(async move {
        match AssertUnwindSafe(handler).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) | Err(_) => failed(id),
        }
    });
    match futures::poll!(&mut response) {
        Poll::Ready(response) => Handled::Done(response),
        Poll::Pending => Handled::Later(response),
    }
}

fn failed(id: Option<Id>) -> Option<Response> {
    tracing::error!(?id, "a handler failed");
    let message = "tagout failed inside while handling this: the log says more, the session goes on";
    id.map(|id| error_response(id, ErrorCode::InternalError, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::task::Context;

    /// Panics as it is called, in its first poll or after a wait, as the method says.
    struct Faulty;

    impl Service<Request> for Faulty {
        type Response = Option<Response>;
        type Error = Infallible;
        type Future = BoxFuture<'static, Result<Option<Response>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request) -> Self::Future {
            let (method, id, _) = request.into_parts();
            assert_ne!(method, "call", "as asked");
            Box::pin(async move {
                assert_ne!(method, "poll", "as asked");
                tokio::task::yield_now().await;
                assert_ne!(method, "later", "as asked");
                Ok(id.map(|id| Response::from_ok(id, serde_json::Value::Null)))
            })
        }
    }

    async fn answer(method: &'static str, id: i64) -> Option<Response> {
        match call(&mut Faulty, Request::build(method).id(id).finish()).await {
            Handled::Done(response) => response,
            Handled::Later(response) => response.await,
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error_answer() {
        for method in ["call", "poll", "later"] {
            let response = answer(method, 7).await.unwrap();
            assert_eq!((response.id(), response.error().unwrap().code), (&Id::Number(7), ErrorCode::InternalError));
        }
        assert!(answer("fine", 8).await.unwrap().is_ok());
        assert!(matches!(call(&mut Faulty, Request::build("poll").finish()).await, Handled::Done(None)));
    }
}
