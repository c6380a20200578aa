#pragma once

#include <string>
#include <vector>

#include "engine/codec/arrow.hpp"

namespace act::arrow {

/// Every value of a row.
inline std::string show(const table_reader& table, const batch& b, std::size_t row) {
    std::string out;
    for (std::size_t i = 0; i < b.columns.size(); ++i) {
        const column& c = b.columns[i];
        if (!c.has(row)) continue;
        out += (out.empty() ? "" : " ") + table.names()[i] + "=";
        switch (c.what()) {
            case type::boolean:
                out += c.boolean(row) ? "yes" : "no";
                break;
            case type::integer:
                out += std::to_string(c.integer(row));
                break;
            case type::timestamp:
                out += std::to_string(c.timestamp(row)) + "ns";
                break;
            case type::text:
                out += c.text(row);
                break;
            case type::map:
                out += "{";
                for (auto [at, end] = c.entries(row); at < end; ++at) {
                    out += std::string(c.keys().text(at)) + ":";
                    out += std::string(c.map_values().text(at)) + ";";
                }
                out += "}";
                break;
            case type::nothing:
            case type::other:
                break;
        }
    }
    return out;
}

/// Every row of a stream; or the error.
inline result<std::vector<std::string>> show_rows(std::string_view bytes) {
    // At a place as malloc would give, and with nothing behind it that may be read.
    std::vector<char> copy(bytes.begin(), bytes.end());
    ACT_TRY(auto table, table_reader::open({copy.data(), copy.size()}));
    std::vector<std::string> out;
    batch b;
    for (;;) {
        ACT_TRY(const bool more, table.next(b));
        if (!more) return out;
        for (std::size_t row = 0; row < b.rows; ++row) out.push_back(show(table, b, row));
    }
}

}  // namespace act::arrow
