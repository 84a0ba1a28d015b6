//! Where the time of a call goes: see the benchmark `phases`.
