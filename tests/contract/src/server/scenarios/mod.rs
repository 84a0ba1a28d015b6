//! The scenarios for servers, and the list of them.

pub mod abuse;
pub mod concurrency;
pub mod departures;
pub mod failures;
pub mod hosts;
pub mod metrics;
pub mod parents;
pub mod requests;
pub mod streams;

/// Makes a test of each scenario for one server.
///
/// Some scenarios need something of the server. Each need is met (`yes`), or the reason why it is
/// not stands there, and its scenarios are listed as ignored:
///
/// - `http1`, `http2`: connections speak this protocol;
/// - `upgrades`: a connection can become another protocol's;
/// - `trailers`: a response can have trailers;
/// - `middleware`: others can be around the application, see [`Around`](crate::server::Around);
/// - `panics`: a panic reaches the instrumentation, and the server survives it;
/// - `departures`: a caller who leaves is noticed while the application works.
///
/// Single scenarios that a server cannot do follow under `except`, each with its reason.
#[macro_export]
macro_rules! server_tests {
    ($server:ty {
        http1: $http1:tt,
        http2: $http2:tt,
        upgrades: $upgrades:tt,
        trailers: $trailers:tt,
        middleware: $middleware:tt,
        panics: $panics:tt,
        departures: $departures:tt $(,)?
    } $(except { $($exception:ident: $reason:literal),* $(,)? })?) => {
        $crate::__define! { server_test $($($exception: $reason,)*)? }
        $crate::__tests! { server_test, server, $server, (), tokio::test, yes,
            abuse {
                hostile_requests_leave_few_series_and_names
                hostile_proxies_leave_few_series_and_names
                bytes_that_are_not_utf8_are_replaced
                query_of_secrets_and_nonsense_is_cut
            }
            concurrency {
                requests_interleaved_on_one_thread_keep_to_their_traces
            }
            failures {
                failing_body_is_a_body_error
            }
            hosts {
                addresses_and_ports_of_trusted_proxies_are_believed_by_option
                client_port_is_the_peers_where_no_proxy_is_trusted
                every_proxy_can_be_trusted
                forwarded_headers_are_ignored_by_default
                forwarded_headers_of_other_peers_are_ignored
                forwarded_headers_of_trusted_proxies_are_believed
                headers_that_no_proxy_writes_are_ignored
                hosts_may_be_ipv6_addresses
                x_forwarded_headers_of_trusted_proxies_are_believed
            }
            metrics {
                body_sizes_are_measured_by_option
                each_series_counts_its_own_requests
            }
            parents {
                callers_refusal_to_sample_can_be_overruled
                callers_trace_is_continued
                callers_who_make_the_trust_hook_panic_are_ignored
                filtered_requests_pass_their_context_on
                ignored_callers_leave_no_trace
                linked_callers_are_no_parents
                linked_callers_do_not_decide_about_sampling
                malformed_parents_start_a_new_trace
                one_baggage_header_reaches_the_span_and_the_handler
                oversized_baggage_is_cut_to_whole_members
                parents_that_are_not_sampled_are_obeyed
                repeated_parents_of_one_trace_are_linked
                samplers_that_ignore_the_parent_get_a_whole_span
                trust_can_depend_on_the_request
                two_baggage_headers_are_one
                unsampled_requests_are_measured
            }
            requests {
                chosen_headers_are_captured
                each_request_is_a_trace_of_its_own
                file_is_complete_with_its_length
                methods_without_a_body_are_complete
                path_parameter_stays_out_of_the_name
                query_is_an_attribute_of_its_own
                redirect_is_no_error
                server_error_is_an_error_by_its_code
                statuses_without_a_body_are_complete
                unknown_method_is_other
                unmatched_request_has_no_route
            }
            streams {
                body_is_made_inside_the_trace
                declared_length_is_complete_at_its_last_byte
                echoed_stream_is_complete_at_its_end
                large_upload_is_one_request
                stream_is_under_way_until_its_last_chunk
                task_that_outlives_its_request_does_not_hold_it_open
            }
        }
        $crate::__tests! {
            server_test, server, $server, (), tokio::test(flavor = "multi_thread", worker_threads = 4), yes,
            concurrency {
                parallel_requests_keep_to_their_traces
            }
        }
        $crate::__tests! { server_test, server, $server, (), tokio::test, $http1,
            abuse {
                garbage_is_no_request
                huge_headers_are_cut
                huge_targets_are_cut
                many_lines_of_one_header_are_cut
                two_hosts_are_one_request
            }
            concurrency {
                pipelined_requests_keep_to_their_traces
                pipelined_uploads_keep_to_their_traces
            }
            hosts {
                absolute_target_goes_before_the_host
                invalid_hosts_are_no_server_address
                request_without_a_host_has_no_server_address
                scheme_of_the_target_is_not_believed
            }
            parents {
                header_names_are_read_in_any_case
            }
            streams {
                expected_continue_is_no_response
            }
        }
        $crate::__tests! { server_test, server, $server, (), tokio::test, $http2,
            departures {
                reset_streams_leave_the_connection_to_others
            }
            hosts {
                authority_stands_in_for_the_host
            }
        }
        $crate::__tests! { server_test, server, $server, (), tokio::test, $upgrades,
            streams {
                followed_upgrade_is_complete_when_its_connection_is
                upgrade_is_complete_when_it_is_granted
            }
        }
        $crate::__tests! { server_test, server, $server, (), tokio::test, $trailers,
            requests {
                trailers_complete_the_response
            }
        }
        $crate::__tests! { server_test, server, $server, (), tokio::test, $middleware,
            departures {
                timeout_outside_cancels_the_request
            }
            failures {
                panic_caught_inside_is_a_server_error
                panic_caught_outside_is_a_panic
            }
        }
        $crate::__tests! { server_test, server, $server, (), tokio::test, $panics,
            failures {
                uncaught_panic_is_a_panic
                panicking_body_is_a_panic
            }
        }
        $crate::__tests! { server_test, server, $server, (), tokio::test, $departures,
            departures {
                caller_gone_before_the_declared_length_cancels_it
                caller_gone_before_the_response_cancels_it
                caller_gone_in_the_middle_of_a_body_cancels_it
                caller_gone_in_the_middle_of_an_upload_ends_it
                event_stream_may_be_left_by_its_reader
                request_dropped_before_the_response_is_cancelled
                response_dropped_in_the_middle_of_a_body_is_cancelled
                what_a_body_holds_is_dropped_inside_its_request
                what_a_handler_holds_is_dropped_inside_its_request
            }
        }
    };
}
