"""The steps between tables: each reads the warehouse, calls the pure domain, writes, and reports.

An asset calls one function here. The functions know tables and records; fetching, parsing, scoring
and ranking themselves are in their own packages. No connection is held across a network call.
"""
