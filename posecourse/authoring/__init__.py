"""How the chapters are made: builder, rules, preview. For authors only."""
