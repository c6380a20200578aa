#pragma once

#include "tools/store/service.hpp"

namespace act::store {

/// The answer that tells of a failure: its status, code and document.
reply failure_reply(const call&, const failure&);
/// x-ms-request-id, x-ms-version, x-ms-client-request-id, Date.
void add_common_headers(http::fields&, const call&);

/// Serves one request, from its head to the last byte of the answer.
task<void> serve(service&, http::server_exchange&);

}  // namespace act::store
