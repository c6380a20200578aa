#include "engine/http/resolve.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <netdb.h>
#include <set>
#include <tuple>

namespace act::http {

namespace {

constexpr auto keep_answer = std::chrono::seconds(30);
constexpr auto keep_failure = std::chrono::seconds(1);
constexpr std::size_t most_hosts = 256;
constexpr std::size_t most_addresses = 1024;

std::string key(const address& a) { return a.text() + '|' + std::to_string(a.port()); }

struct look_up {
    std::vector<address> addresses;
    std::string failure;
};

look_up ask_system(const std::string& host) {
    look_up out;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_UNSPEC;
    addrinfo* list = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (failed != 0) {
        out.failure = ::gai_strerror(failed);
        return out;
    }
    for (const addrinfo* i = list; i; i = i->ai_next) {
        if (i->ai_family != AF_INET && i->ai_family != AF_INET6) continue;
        address a;
        std::memcpy(&a.storage, i->ai_addr, i->ai_addrlen);
        a.size = i->ai_addrlen;
        out.addresses.push_back(a);
    }
    ::freeaddrinfo(list);
    if (out.addresses.empty()) out.failure = "no usable address";
    return out;
}

}  // namespace

struct resolver::state {
    struct entry {
        look_up found;
        steady::time_point expires{};
        bool asking = false;
        std::vector<event*> waiters;
    };
    /// One address with its port.
    struct condition {
        unsigned open = 0;      ///< connections, those being dialled included
        unsigned dialling = 0;  ///< first choice of so many that are not made yet
        bool answered = false;  ///< and has not failed since
        steady::time_point avoided{};
    };
    explicit state(steady::duration a) : avoid_for(a) {}
    const steady::duration avoid_for;
    std::mutex mutex;
    std::map<std::string, entry> hosts;
    std::map<std::string, condition> addresses;
    std::set<std::pair<std::string, std::uint16_t>> reached;

    void answer(const std::string& host, look_up found) {
        std::lock_guard lock(mutex);
        entry& e = hosts[host];
        e.asking = false;
        e.expires = steady::now() + (found.failure.empty() ? steady::duration(keep_answer) : keep_failure);
        e.found = std::move(found);
        for (event* w : e.waiters) w->set();
        e.waiters.clear();
    }

    void forget_old() {
        if (hosts.size() < most_hosts) return;
        const auto now = steady::now();
        std::erase_if(hosts, [now](const auto& item) {
            return !item.second.asking && item.second.waiters.empty() && item.second.expires < now;
        });
    }

    condition& at(const address& a) {
        if (addresses.size() >= most_addresses) {
            const auto now = steady::now();
            std::erase_if(addresses, [now](const auto& item) {
                return item.second.open == 0 && item.second.avoided < now;
            });
        }
        return addresses[key(a)];
    }

    std::vector<address> order(const std::vector<address>& all, std::uint16_t port) {
        struct candidate {
            address where;
            bool avoided = false;
            bool unsure = false;
            unsigned open = 0;
        };
        const auto now = steady::now();
        std::vector<candidate> known;
        for (const address& a : all) {
            candidate& c = known.emplace_back();
            c.where = a;
            c.where.set_port(port);
            const condition& is = at(c.where);
            c.avoided = is.avoided >= now;
            c.unsure = !is.answered && is.dialling != 0;
            c.open = is.open;
        }
        std::stable_sort(known.begin(), known.end(), [](const candidate& a, const candidate& b) {
            return std::tie(a.avoided, a.unsure, a.open) < std::tie(b.avoided, b.unsure, b.open);
        });
        // The system knows which family is the better one. The other comes second, so that one that leads
        // nowhere costs little.
        const int better = all.front().family();
        const auto middle = std::stable_partition(
            known.begin(), known.end(), [&](const candidate& c) { return c.where.family() == better; });
        std::vector<candidate> mixed;
        for (auto a = known.begin(), b = middle; a != middle || b != known.end();) {
            if (a != middle) mixed.push_back(*a++);
            if (b != known.end()) mixed.push_back(*b++);
        }
        std::stable_partition(mixed.begin(), mixed.end(), [](const candidate& c) { return !c.avoided; });
        std::vector<address> out;
        for (const candidate& c : mixed) out.push_back(c.where);
        return out;
    }

    /// Orders and counts in one go, so that those who ask at the same time get different ones.
    static choice choose(const std::shared_ptr<state>& self, const std::vector<address>& all,
                         std::uint16_t port) {
        choice made;
        made.addresses = self->order(all, port);
        condition& first = self->at(made.addresses.front());
        ++first.open;
        ++first.dialling;
        made.held = place(self, made.addresses.front());
        return made;
    }
};

// ---- places

resolver::place::place(place&& o) noexcept
    : state_(std::move(o.state_)), where_(o.where_), dialling_(o.dialling_) {}

resolver::place& resolver::place::operator=(place&& o) noexcept {
    leave();
    state_ = std::move(o.state_);
    where_ = o.where_;
    dialling_ = o.dialling_;
    return *this;
}

void resolver::place::leave() {
    if (!state_) return;
    const auto shared = std::move(state_);
    std::lock_guard lock(shared->mutex);
    auto& is = shared->addresses[key(where_)];
    --is.open;
    if (dialling_) --is.dialling;
}

unsigned resolver::place::settle(const address& winner) {
    std::lock_guard lock(state_->mutex);
    auto& meant = state_->addresses[key(where_)];
    --meant.open;
    --meant.dialling;
    where_ = winner;
    dialling_ = false;
    auto& is = state_->addresses[key(where_)];
    is.answered = true;
    is.avoided = {};
    return ++is.open;
}

// ---- names

resolver::resolver(runtime& r, const std::map<std::string, std::vector<std::string>>& pinned,
                   steady::duration avoid_for)
    : runtime_(r), state_(std::make_shared<state>(avoid_for)) {
    for (const auto& [host, texts] : pinned) {
        auto& e = state_->hosts[host];
        e.expires = steady::time_point::max();
        for (const auto& text : texts) {
            address a;
            if (parse_address(text, 0, a)) e.found.addresses.push_back(a);
        }
        if (e.found.addresses.empty()) e.found.failure = "no usable address is given for it";
    }
}

task<result<resolver::choice>> resolver::resolve(const std::string& host, std::uint16_t port,
                                                 const until& u) {
    address numeric;
    if (parse_address(host, port, numeric)) {
        const std::vector<address> only(1, numeric);
        std::lock_guard lock(state_->mutex);
        co_return state::choose(state_, only, port);
    }
    for (;;) {
        event answered;
        bool ask = false;
        {
            std::lock_guard lock(state_->mutex);
            state_->forget_old();
            auto& e = state_->hosts[host];
            if (!e.asking && e.expires > steady::now()) {
                if (!e.found.failure.empty()) {
                    co_return error(kind::unavailable,
                                    "cannot resolve the host name " + host + ": " + e.found.failure,
                                    "check the name and the network");
                }
                co_return state::choose(state_, e.found.addresses, port);
            }
            ask = !e.asking;
            e.asking = true;
            e.waiters.push_back(&answered);
        }
        if (ask) {
            runtime_.post_blocking(
                [shared = state_, name = host] { shared->answer(name, ask_system(name)); });
        }
        auto waited = co_await answered.wait(u);
        {
            std::lock_guard lock(state_->mutex);
            std::erase(state_->hosts[host].waiters, &answered);
        }
        if (!waited) {
            if (waited.error().kind() != kind::timeout) co_return waited.error();
            co_return error(kind::timeout, "the host name " + host + " was not resolved in time",
                            "check the name servers of this machine");
        }
    }
}

void resolver::reached(const std::string& host, std::uint16_t port) {
    std::lock_guard lock(state_->mutex);
    if (state_->reached.size() < most_hosts) state_->reached.emplace(host, port);
}

bool resolver::ever_reached(const std::string& host, std::uint16_t port) {
    std::lock_guard lock(state_->mutex);
    return state_->reached.contains({host, port});
}

void resolver::failed(const address& a) {
    std::lock_guard lock(state_->mutex);
    auto& is = state_->at(a);
    is.answered = false;
    is.avoided = steady::now() + state_->avoid_for;
}

}  // namespace act::http
