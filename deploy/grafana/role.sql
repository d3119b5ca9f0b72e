-- A role for Grafana that reads the views grafana_* and nothing else: no mention, no author.
--   psql -v schema=resonance -v password=... -f deploy/grafana/role.sql DATABASE
-- The schema is the installation's namespace. Run it once, as the owner of the schema, after `resonance db upgrade`.
CREATE ROLE resonance_grafana LOGIN PASSWORD :'password';
ALTER ROLE resonance_grafana SET default_transaction_read_only = on;
ALTER ROLE resonance_grafana SET statement_timeout = '10s';
ALTER ROLE resonance_grafana SET search_path = :"schema";
GRANT USAGE ON SCHEMA :"schema" TO resonance_grafana;
GRANT SELECT ON :"schema".grafana_volume, :"schema".grafana_alert, :"schema".grafana_lane, :"schema".grafana_dead_letter
  TO resonance_grafana;
