//! The scenarios for clients, and the list of them.

pub mod calls;
pub mod connections;
pub mod endings;
pub mod errors;
pub mod metrics;
pub mod redirects;

/// Makes a test of each scenario for one client over one [`Transport`](crate::client::server::Transport).
///
/// Some scenarios need something of the client. Each need is met (`yes`), or the reason why it is not
/// stands there, and its scenarios are listed as ignored:
///
/// - `redirects`: redirects are followed, by the client or around it;
/// - `timeouts`: connecting and waiting for a response can be limited;
/// - `end_at_body`: a call can end with the body of its response;
/// - `connections`: what a call's connection costs can be traced.
///
/// Single scenarios that a client cannot do follow under `except`, each with its reason.
#[macro_export]
macro_rules! client_tests {
    ($client:ty, $transport:ident {
        redirects: $redirects:tt,
        timeouts: $timeouts:tt,
        end_at_body: $end_at_body:tt,
        connections: $connections:tt $(,)?
    } $(except { $($exception:ident: $reason:literal),* $(,)? })?) => {
        $crate::__define! { client_test $($($exception: $reason,)*)? }
        $crate::__tests! {
            client_test, client, $client, ($crate::client::server::Transport::$transport), tokio::test, yes,
            calls {
                a_call_is_a_child_of_its_caller
                a_call_is_a_root_with_the_server_below
                a_request_sent_again_is_a_new_trace
                an_unknown_method_is_other
                an_unsampled_caller_makes_no_span
                calls_at_the_same_time_keep_their_own_spans
                calls_over_one_connection_keep_their_own_spans
                chosen_headers_are_captured
                headers_of_the_trace_are_replaced
                nested_instrumentation_makes_one_span
                suppressed_telemetry_leaves_the_call_alone
                work_after_a_call_without_caller_is_a_root
                work_after_the_call_is_its_callers
            }
            endings {
                a_call_ends_with_the_head
                a_dropped_call_is_no_error
            }
            errors {
                a_refused_connection_is_an_error
                status_codes_from_400_are_errors
            }
            metrics {
                bodies_are_measured
                calls_under_way_are_counted
                the_duration_is_measured
            }
        }
        $crate::__tests! {
            client_test, client, $client, ($crate::client::server::Transport::$transport), tokio::test, $redirects,
            redirects {
                headers_of_the_caller_survive_a_redirect
                one_redirect
                redirects_without_end
                two_redirects
            }
        }
        $crate::__tests! {
            client_test, client, $client, ($crate::client::server::Transport::$transport), tokio::test, $timeouts,
            errors {
                a_host_out_of_reach_is_a_timeout
                a_silent_server_is_a_timeout
            }
        }
        $crate::__tests! {
            client_test, client, $client, ($crate::client::server::Transport::$transport), tokio::test, $end_at_body,
            endings {
                a_broken_body_is_an_error
                a_call_can_end_with_the_body
                a_dropped_body_is_no_error
                a_response_without_a_body_ends_at_once
            }
            metrics {
                what_was_read_of_a_body_is_measured
            }
        }
        $crate::__tests! {
            client_test, client, $client, ($crate::client::server::Transport::$transport), tokio::test, $connections,
            connections {
                a_call_says_what_its_connection_cost
                a_refused_connection_names_its_phase
                a_reused_connection_has_no_phases
                a_silent_server_blames_no_phase
                calls_at_the_same_time_have_their_own_setups
                setups_of_untraced_calls_have_no_spans
            }
        }
    };
}
