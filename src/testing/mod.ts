/**
 * For tests: the contract that every reference counter keeps, as functions to run against a counter of your own.
 *
 * @module
 */

export { type ContractOptions, type ContractTest, refCounterContract } from "./ref_counter_contract.ts";
