#include "tools/store/failure.hpp"

#include "engine/core/log.hpp"

namespace act::store {

failure failure::with(const char* element, std::string text) && {
    elements_.emplace_back(element, std::move(text));
    return std::move(*this);
}

failure failure::header(const char* name, std::string value) && {
    headers_.emplace_back(name, std::move(value));
    return std::move(*this);
}

failure from_error(const error& e) {
    log::warning("store: {}", e.describe());
    return failure(e.kind() == kind::disk_full ? codes::disk_full : codes::internal_error);
}

failure invalid_query(std::string_view name, std::string_view value) {
    return failure(codes::invalid_query_value)
        .with("QueryParameterName", std::string(name))
        .with("QueryParameterValue", std::string(value));
}

failure invalid_header(std::string_view name, std::string_view value) {
    return failure(codes::invalid_header_value)
        .with("HeaderName", std::string(name))
        .with("HeaderValue", std::string(value));
}

failure missing_header(std::string_view name) {
    return failure(codes::missing_required_header).with("HeaderName", std::string(name));
}

failure missing_query(std::string_view name) {
    return failure(codes::missing_query_parameter).with("QueryParameterName", std::string(name));
}

failure unverified_source(int status, std::string_view source_code, std::string message) {
    const code c{status, codes::cannot_verify_source.name, codes::cannot_verify_source.message};
    return failure(c, std::move(message))
        .header("x-ms-copy-source-status-code", std::to_string(status))
        .header("x-ms-copy-source-error-code", std::string(source_code));
}

}  // namespace act::store
