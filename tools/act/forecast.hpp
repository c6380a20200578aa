#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/result.hpp"
#include "submit/cluster/cluster.hpp"
#include "tools/act/json.hpp"

namespace act::cli {

/// What requests cost, by the classes that the service bills them in: for 10,000 of a class, and for each GiB
/// that is read out of a cool tier or leaves the region. What is not given costs nothing.
struct price_list {
    double write = 0, read = 0, list = 0, other = 0;
    double retrieval = 0, egress = 0;
    std::string currency = "USD";
};

/// `prices` of the cluster file; nothing where it has none. Prices differ by region, tier and contract and
/// change, so there are none built in. kind::configuration for what is no price.
result<std::optional<price_list>> prices_of(const cluster::config&);

/// What `act bench` found of a place: MiB a second of rows that end in "-large", objects a second of others.
struct bench_rates {
    std::string day;  ///< "2026-11-22"
    std::map<std::string, double, std::less<>> rows{};
};

/// What the last `act bench` of the account at `endpoint` found; nothing if there was none, or its file is
/// damaged. `folder` is runs::state_folder().
std::optional<bench_rates> read_rates(const std::string& folder, std::string_view endpoint);
/// Keeps rates; rows that were not measured stay as they were.
result<void> keep_rates(const std::string& folder, std::string_view endpoint, const bench_rates&);

/// What a dry run would have asked of the service, what that costs, and how long it would take. Classes as
/// Microsoft's "Map each REST operation to a price" has them for general-purpose v2 accounts.
class forecast {
public:
    /// An item that would be moved or removed, as the observer is told of it. `block_size`: as given, or 0.
    void add(std::string_view action, std::uint64_t size, std::uint64_t block_size);
    /// Of an item whose owner, group and access control list are to be kept.
    void add_permissions(bool unchanged);
    /// An item will be looked at before it is moved.
    void look_at_one() { ++others_; }
    /// Requests that looking at both sides took: they will be made again.
    void looked(std::uint64_t requests) { lists_ = requests; }

    bool empty() const { return writes_ + reads_ + deletes_ == 0; }
    /// The price of the requests and of what is read.
    double cost(const price_list&) const;
    /// In seconds, by those rates; nothing if one that counts is not known. Every item takes its place among
    /// the small ones, and its bytes theirs among those of large ones: the sum is rather too long than too
    /// short.
    std::optional<double> duration(const bench_rates&) const;

    /// "forecast: 201 writes, 1 listing; 300 MiB up; ..."
    std::string sentence(const std::optional<price_list>&, const std::optional<bench_rates>&) const;
    json_line line(const std::optional<price_list>&, const std::optional<bench_rates>&) const;

private:
    struct amount {
        std::uint64_t items = 0, bytes = 0;
    };

    std::uint64_t writes_ = 0, reads_ = 0, lists_ = 0, others_ = 0, deletes_ = 0;
    std::map<std::string, amount, std::less<>> work_;  ///< by what `act bench` calls it
};

}  // namespace act::cli
