#include "transfer/ops/page_parts.hpp"

#include "engine/core/units.hpp"

namespace act::ops {

namespace {

// What one connection carries in the time of a request.
constexpr std::uint64_t shortest_gap = 256 * KiB;

}  // namespace

std::vector<plan::block_range> parts_of_pages(const std::vector<blob::range>& written) {
    std::vector<plan::block_range> parts;
    for (std::size_t i = 0; i < written.size();) {
        const std::uint64_t begin = written[i].offset;
        std::uint64_t end = begin + written[i].length;
        for (++i; i < written.size() && written[i].offset - end < shortest_gap; ++i)
            end = written[i].offset + written[i].length;
        for (std::uint64_t at = begin; at < end; at += blob::max_checked_range)
            parts.push_back({at, std::min(blob::max_checked_range, end - at)});
    }
    return parts;
}

task<result<std::vector<plan::block_range>>> page_parts(blob::client& client, blob::address where,
                                                        const blob::properties& info, until u) {
    auto written = co_await client.get_page_ranges(where, blob::conditions::matching(info.etag), u);
    if (!written) {
        if (written.error().kind() != kind::unsupported) co_return written.error();
        co_return plan::split(info.size, blob::max_checked_range);
    }
    if (!written->empty() && written->back().offset + written->back().length > info.size) {
        co_return error(kind::protocol, "the service tells of pages behind the end of '" + where.name + "'");
    }
    co_return parts_of_pages(*written);
}

}  // namespace act::ops
