/** What of a supervisor is its runtime: it loads nothing, and says so at once. */

console.log("up");
