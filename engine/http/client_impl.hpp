#pragma once

#include "engine/http/head.hpp"
#include "engine/http/pool.hpp"

namespace act::http {

struct exchange::impl {
    std::shared_ptr<loop_pool> pool;
    loop_pool::lease connection;
    response_head head;
    message_facts facts;
    body_reader body;
    bool persistent = false;
    flight under_way;

    /// Gives the connection back as soon as it is not needed.
    void release();
    /// The request is no longer under way.
    void land();
    task<result<std::size_t>> read(std::span<std::byte> into, bool fill, const until&);

    /// Used ones are kept per thread, so that a small request needs no fresh memory.
    static std::unique_ptr<impl> fresh();
    static void retire(std::unique_ptr<impl>);

private:
    static std::vector<std::unique_ptr<impl>>& spares();
};

struct client::impl {
    impl(runtime& r, client_options o);

    client_shared shared;
    std::vector<std::shared_ptr<loop_pool>> pools;

    task<result<exchange>> send(const endpoint&, const request&, const body&, until, attempt&);

private:
    enum class verdict { answered, closed_silently };
    task<result<verdict>> converse(exchange::impl&, const request&, const body&, const until&);
    task<result<verdict>> read_head(exchange::impl&, const until&);
};

}  // namespace act::http
