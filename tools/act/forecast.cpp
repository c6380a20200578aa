#include "tools/act/forecast.hpp"

#include <charconv>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"
#include "tools/act/text.hpp"
#include "transfer/ops/copy.hpp"
#include "transfer/ops/ops.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::cli {

namespace {

constexpr double priced_requests = 10000;
constexpr std::size_t largest_rates_file = 64 * KiB;

std::uint64_t pieces(std::uint64_t size, std::uint64_t piece) { return (size + piece - 1) / piece; }

std::optional<double> number(std::string_view text) {
    double value = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size()) return {};
    if (!std::isfinite(value) || value < 0) return {};
    return value;
}

std::string money(double amount, const std::string& currency) {
    if (amount <= 0) return "nothing";
    if (amount < 0.0001) return "less than 0.0001 " + currency;
    return fmt::format("{:.{}f} {}", amount, amount < 1 ? 4 : 2, currency);
}

std::string rates_path(const std::string& folder, std::string_view endpoint) {
    std::string name(endpoint);
    for (char& c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (!plain) c = '_';
    }
    return folder + "/bench/" + name;
}

}  // namespace

result<std::optional<price_list>> prices_of(const cluster::config& c) {
    constexpr std::string_view prefix = "prices.";
    price_list out;
    const std::map<std::string_view, double*> fields = {
        {"write", &out.write}, {"read", &out.read},           {"list", &out.list},
        {"other", &out.other}, {"retrieval", &out.retrieval}, {"egress", &out.egress}};
    bool any = false;
    for (auto at = c.other.lower_bound(std::string(prefix)); at != c.other.end(); ++at) {
        const auto& [key, value] = *at;
        if (!key.starts_with(prefix)) break;
        const std::string_view name = std::string_view(key).substr(prefix.size());
        if (name == "currency") {
            out.currency = value;
            continue;
        }
        const auto field = fields.find(name);
        if (field == fields.end()) continue;
        const auto price = number(value);
        if (!price) {
            return error(kind::configuration, c.file + ": " + key + " is '" + value + "', which is no price",
                         "write a number: for 10,000 requests, and for a GiB of retrieval and egress");
        }
        *field->second = *price;
        any = true;
    }
    if (!any) return std::optional<price_list>();
    return std::optional(std::move(out));
}

std::optional<bench_rates> read_rates(const std::string& folder, std::string_view endpoint) {
    auto text = file::read_all(rates_path(folder, endpoint), largest_rates_file);
    if (!text) return {};
    bench_rates out;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const auto space = line.find(' ');
        if (space == line.npos) continue;
        const auto name = line.substr(0, space), value = line.substr(space + 1);
        if (name == "day") {
            out.day = value;
        } else if (const auto rate = number(value); rate && *rate > 0) {
            out.rows.emplace(name, *rate);
        }
    }
    if (out.rows.empty()) return {};
    return out;
}

result<void> keep_rates(const std::string& folder, std::string_view endpoint, const bench_rates& rates) {
    bench_rates all = read_rates(folder, endpoint).value_or(bench_rates());
    for (const auto& [row, rate] : rates.rows) all.rows[row] = rate;
    std::string text = "day " + rates.day + "\n";
    for (const auto& [row, rate] : all.rows) text += fmt::format("{} {}\n", row, rate);
    ACT_TRY(auto file, file::aside::create(rates_path(folder, endpoint)));
    ACT_TRY_VOID(file::write_at(file.fd(), std::as_bytes(std::span(text)), 0, file.target()));
    return file.publish(0600, now());
}

void forecast::add(std::string_view action, std::uint64_t size, std::uint64_t block_size) {
    if (action == "remove") {
        ++deletes_;
        ++work_["delete"].items;
        return;
    }
    if (action == "upload") {
        const bool whole = size <= ops::upload_options().single_request;
        // Its blocks, the list of them, and a look at what an upload that was interrupted left.
        writes_ += whole ? 1 : pieces(size, plan::block_size_for(size, block_size)) + 1;
        others_ += whole ? 0 : 1;
    } else if (action == "download") {
        reads_ += size == 0 ? 0 : pieces(size, block_size ? block_size : ops::download_options().part_size);
    } else if (action == "copy") {
        // Each piece is read at the source for what is written. Blobs that act made are copied by their own
        // blocks, which the names do not tell: of the default size, as a rule.
        const bool whole = size <= ops::upload_options().single_request;
        const auto blocks = whole ? 1 : pieces(size, plan::block_size_for(size, block_size));
        writes_ += whole ? 1 : blocks + 1;
        reads_ += blocks;
        others_ += whole ? 0 : 2;
    } else {
        return;
    }
    amount& work = work_[std::string(action)];
    ++work.items;
    work.bytes += size;
}

void forecast::add_permissions(bool unchanged) {
    // Of what is there unchanged both are read; what then has to be set shows only itself.
    others_ += unchanged ? 2 : 1;
    writes_ += unchanged ? 0 : 1;
}

double forecast::cost(const price_list& p) const {
    const auto of = [](std::uint64_t count, double price) {
        return static_cast<double>(count) * price / priced_requests;
    };
    double sum = of(writes_, p.write) + of(reads_, p.read) + of(lists_, p.list) + of(others_, p.other);
    for (const auto& [action, work] : work_) {
        const double gib = static_cast<double>(work.bytes) / static_cast<double>(GiB);
        if (action != "upload") sum += gib * p.retrieval;
        if (action == "download") sum += gib * p.egress;
    }
    return sum;
}

std::optional<double> forecast::duration(const bench_rates& rates) const {
    double sum = 0;
    for (const auto& [action, work] : work_) {
        const bool moves = action != "delete";
        const auto items = rates.rows.find(moves ? action + "-small" : action);
        const auto bytes = rates.rows.find(action + "-large");
        if (items == rates.rows.end() || (moves && bytes == rates.rows.end())) return {};
        sum += static_cast<double>(work.items) / items->second;
        if (moves) sum += static_cast<double>(work.bytes) / static_cast<double>(MiB) / bytes->second;
    }
    return sum;
}

std::string forecast::sentence(const std::optional<price_list>& prices,
                               const std::optional<bench_rates>& rates) const {
    std::vector<std::string> requests;
    const auto tell = [&](std::uint64_t n, std::string_view what) {
        if (n > 0) requests.push_back(counted(n, what));
    };
    tell(writes_, "write");
    tell(reads_, "read");
    tell(deletes_, "deletion");
    tell(lists_ + others_, "other request");
    std::string line = fmt::format("forecast: {}", fmt::join(requests, ", "));
    if (prices) line += "; " + money(cost(*prices), prices->currency);
    if (rates) {
        if (const auto seconds = duration(*rates)) {
            line += fmt::format("; about {} by `act bench` of {}", human_duration(*seconds), rates->day);
        }
    }
    return line;
}

json_line forecast::line(const std::optional<price_list>& prices,
                         const std::optional<bench_rates>& rates) const {
    json_line out("forecast");
    out.add("writes", writes_).add("reads", reads_).add("lists", lists_).add("others", others_);
    out.add("deletes", deletes_);
    if (prices) {
        // Three decimals would make nothing of many a small price.
        out.add("cost_millionths", std::llround(cost(*prices) * 1e6)).add("currency", prices->currency);
    }
    if (rates) {
        if (const auto seconds = duration(*rates)) {
            out.add("seconds", *seconds).add("rates_of", rates->day);
        }
    }
    return out;
}

}  // namespace act::cli
