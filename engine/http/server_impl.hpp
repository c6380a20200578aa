#pragma once

#include <mutex>
#include <set>
#include <vector>

#include "engine/async/stop.hpp"
#include "engine/http/body_reader.hpp"
#include "engine/http/head.hpp"
#include "engine/http/server.hpp"

namespace act::http {

/// What the connections of one server share. Private to engine/http.
struct server_shared {
    server_shared(runtime& r, server_options o, server::handler h)
        : owner(r), options(std::move(o)), handle(std::move(h)), live(r.size()) {}

    runtime& owner;
    const server_options options;
    const server::handler handle;
    server::statistics stats;
    std::unique_ptr<tls_server_context> tls;
    /// Requested: nothing new is begun.
    stop_source ending;
    task_group connections;
    /// The connections of each loop, touched by that loop only.
    std::vector<std::set<stream*>> live;

    void opened();
    void closed();
    /// Waits until there is room for one more connection.
    task<result<void>> room(until);
    /// Waits until no connection is left; false when `grace` ran out.
    task<bool> emptied(steady::duration grace);

private:
    std::mutex mutex_;
    event* wants_room_ = nullptr;
    event* wants_none_ = nullptr;
};

/// One accepted connection; its requests are handled one after the other.
struct server_exchange::impl {
    impl(server_shared&, loop& home, const address& peer);

    static task<void> run(server_shared&, loop& home, int fd, address peer);

    task<result<std::size_t>> read(std::span<std::byte> into, bool fill, until);
    task<result<void>> respond(int status, const fields&, const body&, until);
    task<result<void>> begin(int status, const fields&, std::optional<std::uint64_t> length, until);
    task<result<void>> write(const body&, until);
    task<result<void>> finish(until);

    server_shared& shared;
    http::stream stream;
    std::string peer;
    head request;
    bool aborted = false;
    bool begun = false;
    body_reader input_body;

private:
    // What is left of a request's body after its answer is read this far, so that the client gets to see the
    // answer.
    static constexpr std::uint64_t most_drained = 8 * 1024 * 1024;

    task<void> serve();
    task<bool> read_request();
    task<bool> one_request();
    task<void> refuse(int status, std::string_view reason);
    task<void> linger();
    task<result<std::size_t>> read_paced(std::span<std::byte> into, bool fill, const until&);
    task<result<void>> send(gather, const body&, bool more, until);
    task<result<void>> send_paced(gather, const body&, const until&);
    void start_answer();
    void count_input();
    void compose(int status, const fields&, std::optional<std::uint64_t> length, bool with_body,
                 bool chunked);

    const std::unique_ptr<http::link> link_;
    steady::time_point received_{};  ///< with a link only
    std::uint64_t counted_ = 0;      ///< of the body's bytes
    input_buffer input_;
    message_facts facts_;
    std::string head_;
    bool head_only_ = false;
    bool keep_ = true;
    bool expects_continue_ = false;
    // The answer's own framing.
    bool chunked_ = false;
    bool chunk_open_ = false;
    bool finished_ = false;
    std::uint64_t left_ = 0;
};

}  // namespace act::http
