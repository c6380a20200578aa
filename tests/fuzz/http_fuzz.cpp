// Heads and chunked bodies from anyone: no crash, no endless loop, and the same result however the bytes are
// cut.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/http/chunked.hpp"
#include "engine/http/head.hpp"

using namespace act::http;

namespace {

void require(bool ok) {
    if (!ok) std::abort();
}

struct decoded {
    std::string data;
    std::size_t used = 0;
    bool done = false, bad = false;
};

decoded decode(std::string_view text, std::size_t step) {
    decoded out;
    chunk_decoder d;
    std::size_t given = 0;
    while (!d.done() && !d.bad()) {
        if (out.used == given) {
            if (given == text.size()) break;
            given = std::min(given + step, text.size());
        }
        const auto part = text.substr(out.used, given - out.used);
        if (d.needs_framing()) {
            const std::size_t n = d.frame(part);
            require(n != 0 && n <= part.size());
            out.used += n;
        } else {
            require(d.left() != 0);
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(d.left(), part.size()));
            out.data.append(part.substr(0, n));
            d.took(n);
            out.used += n;
        }
    }
    out.done = d.done();
    out.bad = d.bad();
    return out;
}

void check_fields(const fields& f) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < f.size(); ++i) {
        const auto [name, value] = f.at(i);
        require(!name.empty() && name.find_first_of("\r\n: ") == std::string_view::npos);
        require(value.find_first_of("\r\n") == std::string_view::npos);
        require(f.has(name));
        sum += name.size() + value.size() + 3;
    }
    require(sum <= f.wire().size() || f.size() == 0);
    // What was accepted is accepted again, and editing keeps the rest whole.
    fields again;
    require(again.assign(f.wire()));
    require(again.size() == f.size());
    if (f.size() > 0) {
        const std::string first(f.at(0).name);
        again.remove(first);
        require(!again.has(first));
        fields third;
        require(third.assign(again.wire()) && third.size() == again.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const unsigned choice = data[0];
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (choice % 3 == 0) {
        const auto whole = decode(text, text.size() + 1);
        const auto cut = decode(text, 1 + choice / 3);
        require(whole.done == cut.done && whole.bad == cut.bad);
        if (!whole.bad) require(whole.data == cut.data && whole.used == cut.used);
        return 0;
    }
    std::size_t scanned = 0;
    const std::size_t head = find_head(text, scanned);
    require(head <= text.size());
    if (head == 0) return 0;
    message_facts facts;
    if (choice % 3 == 1) {
        static response_head out;
        if (!parse_response(text.substr(0, head), out, facts)) {
            require(out.status >= 100 && out.status <= 599);
            require(!(facts.chunked && facts.content_length));
            check_fields(out.headers);
        }
    } else {
        static server_exchange::head out;
        if (!parse_request(text.substr(0, head), out, facts)) {
            require(!out.method.empty() && !out.target.empty());
            require(out.target.find_first_of(" \r\n\t") == std::string::npos);
            require(facts.minor_version == 0 || facts.hosts == 1);
            check_fields(out.headers);
        }
    }
    return 0;
}
