//! From a request's target to the endpoint it names (pack §1.1). The file host is the same address with the path `/`, or `/file/`.

use sluice_simkit::Call;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Front,
    App,
    Back,
    Query,
    File,
    Unknown,
}

impl Route {
    pub(crate) fn of(call: &Call) -> Route {
        match call.target.split(['?', '#']).next().unwrap_or_default() {
            "/gateway/api/frontTransReq.do" => Route::Front,
            "/gateway/api/appTransReq.do" => Route::App,
            "/gateway/api/backTransReq.do" => Route::Back,
            "/gateway/api/queryTrans.do" => Route::Query,
            "" | "/" | "/file" | "/file/" => Route::File,
            _ => Route::Unknown,
        }
    }
}
