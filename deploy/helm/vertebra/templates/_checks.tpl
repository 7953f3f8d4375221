{{- /* Values that contradict each other, refused before anything is rendered. What one value alone
may be is in values.schema.json. */ -}}
{{- define "vertebra.checks" -}}
{{- $values := .Values -}}
{{- $catalog := .Values.catalog -}}
{{- $trainer := .Values.trainer -}}
{{- $gateway := .Values.gateway -}}
{{- $tls := .Values.tls -}}
{{- $several := or (gt (int $catalog.replicas) 1) $catalog.autoscaling.enabled -}}
{{- if and $several (not $catalog.database.secretName) -}}
{{- fail "catalog: several replicas cannot share SQLite; name a PostgreSQL database in catalog.database.secretName, or keep replicas at 1 without autoscaling" -}}
{{- end -}}
{{- if and $several (not (include "vertebra.catalogIsShared" .)) -}}
{{- fail "catalog: several replicas need one storage that all of them can write; set catalog.storage.accessMode to ReadWriteMany, or name such a claim in catalog.storage.existingClaim" -}}
{{- end -}}
{{- if and $catalog.autoscaling.enabled (gt (int $catalog.autoscaling.minReplicas) (int $catalog.autoscaling.maxReplicas)) -}}
{{- fail "catalog.autoscaling: minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- $hosts := gt (add (int $trainer.replicas) (int $trainer.api.replicas)) 1 -}}
{{- if and $hosts (not $trainer.database.secretName) -}}
{{- fail "trainer: several pods cannot share SQLite; name a PostgreSQL database in trainer.database.secretName, or keep replicas at 1 and api.replicas at 0" -}}
{{- end -}}
{{- if and $hosts (not $trainer.shared.existingClaim) -}}
{{- fail "trainer: several pods go on from each other's snapshots; name a claim that all of them can write (ReadWriteMany) in trainer.shared.existingClaim" -}}
{{- end -}}
{{- if and (eq $trainer.device "cuda") (lt (int $trainer.gpu.count) 1) -}}
{{- fail "trainer.device is cuda and trainer.gpu.count is 0: give each pod a GPU, or set trainer.device to cpu" -}}
{{- end -}}
{{- if and (eq $trainer.device "cpu") (gt (int $trainer.gpu.count) 0) -}}
{{- fail "trainer.device is cpu and trainer.gpu.count is not 0: the GPUs would be held and never used" -}}
{{- end -}}
{{- range $place, $claims := dict "catalog.files" $catalog.files "trainer.data and trainer.files" (concat $trainer.data $trainer.files) -}}
{{- $paths := list "/var/lib/vertebra" "/var/lib/vertebra-shared" "/tmp" "/dev/shm" "/etc/vertebra" -}}
{{- $names := list "home" "shared" "tmp" "shm" "tls" "access" "catalog-token" -}}
{{- range $claims -}}
{{- $path := trimSuffix "/" .mountPath -}}
{{- if or (has $path $paths) (has .name $names) -}}
{{- fail (printf "%s: %s at %s: the name or the path is taken" $place .name .mountPath) -}}
{{- end -}}
{{- $paths = append $paths $path -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end -}}
{{- if and $gateway.console (not $gateway.enabled) -}}
{{- fail "gateway.console needs gateway.enabled: browsers speak no plain gRPC" -}}
{{- end -}}
{{- $secrets := list $tls.secrets.catalog $tls.secrets.trainer -}}
{{- if and (has "" $secrets) (ne $tls.secrets.catalog $tls.secrets.trainer) -}}
{{- fail "tls.secrets: the catalog and the trainer both have one, or neither" -}}
{{- end -}}
{{- if and (include "vertebra.hasTls" .) $gateway.enabled (not $tls.secrets.gateway) -}}
{{- fail "tls.secrets.gateway is missing: the gateway knows the services by its ca.crt" -}}
{{- end -}}
{{- if and $tls.secrets.gateway (not (and $gateway.enabled (include "vertebra.hasTls" .))) -}}
{{- fail "tls.secrets.gateway is for gateway.enabled and services with tls.secrets" -}}
{{- end -}}
{{- if and (include "vertebra.encrypts" .) (include "vertebra.hasTls" .) -}}
{{- fail (printf "mesh %s encrypts already: what is inside tls.secrets too, it cannot route; leave one of them out" $values.mesh) -}}
{{- end -}}
{{- if and (include "vertebra.encrypts" .) $values.access.secretName -}}
{{- fail (printf "mesh %s decides who calls; access.secretName would need a token of the trainer, which is never sent in plain text, not even to the mesh's own proxy" $values.mesh) -}}
{{- end -}}
{{- if and (include "vertebra.encrypts" .) $values.plaintext -}}
{{- fail (printf "mesh %s encrypts: leave plaintext out" $values.mesh) -}}
{{- end -}}
{{- if and (not (include "vertebra.encrypts" .)) (not (include "vertebra.hasTls" .)) (not $values.plaintext) -}}
{{- fail "calls would cross the network in plain text: name tls.secrets, choose mesh istio or linkerd, or say plaintext: true" -}}
{{- end -}}
{{- if and (include "vertebra.hasTls" .) $values.plaintext -}}
{{- fail "plaintext is for services without tls.secrets" -}}
{{- end -}}
{{- if and $tls.mutual (not (include "vertebra.hasTls" .)) -}}
{{- fail "tls.mutual needs tls.secrets" -}}
{{- end -}}
{{- if and (or $tls.mutual $values.jwt.issuer) (not $values.access.secretName) -}}
{{- fail "tls.mutual and jwt say who calls; access.secretName has to say what they may do" -}}
{{- end -}}
{{- $jwt := list $values.jwt.issuer $values.jwt.audience $values.jwt.keys -}}
{{- if and (has "" $jwt) (ne (join "" $jwt) "") -}}
{{- fail "jwt: issuer, audience and keys come together" -}}
{{- end -}}
{{- if and $gateway.checkTokens (not (and $gateway.enabled $values.jwt.issuer)) -}}
{{- fail "gateway.checkTokens needs gateway.enabled and jwt: whose tokens, and meant for whom" -}}
{{- end -}}
{{- if and $gateway.keysConfigMap (not $gateway.checkTokens) -}}
{{- fail "gateway.keysConfigMap needs gateway.checkTokens: nothing else reads the keys" -}}
{{- end -}}
{{- if and $trainer.catalogToken.secretName (not (include "vertebra.hasTls" .)) -}}
{{- fail "trainer.catalogToken is never sent in plain text: it needs tls.secrets" -}}
{{- end -}}
{{- if and $values.access.secretName (not $tls.mutual) (not $trainer.catalogToken.secretName) -}}
{{- fail "with access.secretName the catalog refuses a trainer that shows nothing: set tls.mutual, or name its token in trainer.catalogToken.secretName" -}}
{{- end -}}
{{- if and $gateway.spiffeId (not (and $gateway.enabled $tls.mutual)) -}}
{{- fail "gateway.spiffeId needs gateway.enabled and tls.mutual: a gateway proves its name by a certificate" -}}
{{- end -}}
{{- if and $gateway.spiffeId (not $gateway.clientCertificates) -}}
{{- fail "gateway.spiffeId needs gateway.clientCertificates: without, it is shown none to speak for" -}}
{{- end -}}
{{- if and $gateway.clientCertificates (not $gateway.listenSecret) -}}
{{- fail "gateway.clientCertificates needs gateway.listenSecret: certificates are shown to a TLS server only" -}}
{{- end -}}
{{- $elsewhere := list $catalog.database.secretName $trainer.database.secretName $values.traces $values.jwt.keys (get $trainer.settings "DATA_URLS") -}}
{{- if and $values.networkPolicy.enabled (not $values.networkPolicy.egress) (ne (join "" $elsewhere) "") -}}
{{- fail "networkPolicy.egress names no way to the database, the collector of traces, the issuer's keys or data behind URLs: name one, or set networkPolicy.enabled to false" -}}
{{- end -}}
{{- if and $values.monitoring.podMonitors $values.networkPolicy.enabled (not $values.networkPolicy.monitoring) -}}
{{- fail "monitoring.podMonitors: networkPolicy.monitoring lets nobody read /metrics; name Prometheus' pods there" -}}
{{- end -}}
{{- if and $trainer.gpu.runtimeClassName (eq $trainer.device "cpu") -}}
{{- fail "trainer.gpu.runtimeClassName is for trainer.device cuda" -}}
{{- end -}}
{{- if eq $values.mesh "gateway" -}}
{{- if not $values.gatewayApi.parentRefs -}}
{{- fail "mesh gateway: name the site's gateway in gatewayApi.parentRefs" -}}
{{- end -}}
{{- if and (include "vertebra.hasTls" .) (not $values.gatewayApi.caConfigMap) -}}
{{- fail "mesh gateway with tls.secrets: name a ConfigMap with ca.crt in gatewayApi.caConfigMap, by which the site's gateway knows the services" -}}
{{- end -}}
{{- if $tls.mutual -}}
{{- fail "mesh gateway with tls.mutual: the site's gateway shows no certificate of ours; let it check callers, or set tls.mutual to false" -}}
{{- end -}}
{{- end -}}
{{- end -}}
