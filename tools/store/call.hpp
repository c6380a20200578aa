#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/async/semaphore.hpp"
#include "engine/core/clock.hpp"
#include "engine/http/message.hpp"
#include "tools/store/content.hpp"
#include "tools/store/failure.hpp"
#include "tools/store/misfortune.hpp"
#include "tools/store/record.hpp"

namespace act::store {

/// Who asks, and what they may do.
struct identity {
    enum class form { anonymous, key, sas };
    identity::form form = identity::form::anonymous;
    std::string permissions;  ///< of a SAS, with those of its stored access policy

    bool may(char permission) const {
        return form == form::key || permissions.find(permission) != std::string::npos;
    }
};

struct operation;

/// One request, understood as far as all operations have in common. Parts of a batch are calls too.
struct call {
    std::string method, target;
    const http::fields* headers = nullptr;
    std::optional<std::uint64_t> content_length;
    std::string peer;
    bool tls = false;

    std::string container, blob;  ///< decoded; empty: account or container level
    std::vector<std::pair<std::string, std::string>> query;
    std::string version;  ///< x-ms-version, as it will be echoed
    std::string request_id;
    wall_time now{};
    identity who;
    const act::store::files* files = nullptr;  ///< to ask whether another process is alive
    std::string body;                          ///< of operations that declare a small one
    const operation* what = nullptr;           ///< null: none that is known
    misfortune luck;

    nanos at() const { return to_nanos(now); }
    std::string_view param(std::string_view name) const;
    bool has_param(std::string_view name) const;
    std::string_view header(std::string_view name) const { return headers->get(name); }
    bool has_header(std::string_view name) const { return headers->has(name); }
};

/// What is answered: a text, or stretches of pieces. What it needs of the store stays there until it has been
/// sent.
struct reply {
    int status = 200;
    http::fields headers;
    std::string text;
    std::vector<segment> content;
    std::uint64_t length = 0;                       ///< of the content
    files::pin pin;                                 ///< keeps the content's files
    std::vector<std::pair<id, std::string>> small;  ///< small pieces of the content, if they are few
    std::unique_ptr<reader> view;                   ///< else what they are read from
    permit budget;                                  ///< for a long text

    static reply of(int status) {
        reply r;
        r.status = status;
        return r;
    }
    static reply xml(int status, std::string document);
};
using answer = outcome<reply>;

/// Finds account, container and blob in the target; `account` may stand in the path or be the first label of
/// the host.
outcome<> parse_target(call&, std::string_view account, std::string_view host);

/// In a hierarchical account a name is a path without empty segments; "a/" names the directory a. Done once
/// the request is authorized, as signatures cover the name that was sent.
outcome<> settle_path(const reader&, call&);

/// A number in a header or parameter; nothing when it is missing, a failure when it is none.
outcome<std::optional<std::uint64_t>> header_number(const call&, std::string_view name);
outcome<std::optional<std::uint64_t>> param_number(const call&, std::string_view name);

}  // namespace act::store
