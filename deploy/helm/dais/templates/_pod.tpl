{{/* The pod of a role: (dict "root" $ "role" "api"). */}}
{{- define "dais.pod" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $role := .role -}}
{{- $own := get $values.roles $role -}}
{{- $hasKeysVolume := eq (dig "keys" "type" "file" $values.config) "file" -}}
{{- $drain := default dict $own.drain -}}
{{- $servesApi := has $role (list "all" "api") -}}
{{- $hasGateway := has $role (list "all" "api" "gateway") -}}
metadata:
  labels:
    {{- include "dais.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $role }}
    {{- with (merge (deepCopy (default dict $own.podLabels)) $values.serviceAccounts.podLabels) }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "dais.config" $root | sha256sum }}
    kubectl.kubernetes.io/default-container: dais
    {{- with $own.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "dais.serviceAccount" (dict "root" $root "role" $role) }}
  {{- include "dais.podSecurity" (dict "root" $root "own" $own) | nindent 2 }}
  # SIGTERM gives notice for `config.limits.drainNoticeSeconds`, and drains for up to `config.limits.drainSeconds`; then the processes end.
  terminationGracePeriodSeconds: {{ add (int $own.preStopSeconds) (int (include "dais.noticeSeconds" .)) (ternary (int $drain.timeLimitSeconds) 0 (ne (default "" $drain.secret) "")) (int (dig "limits" "drainSeconds" 25 $values.config)) 30 }}
  {{- range $field := list "priorityClassName" "runtimeClassName" }}
  {{- with get $own $field }}
  {{ $field }}: {{ . }}
  {{- end }}
  {{- end }}
  {{- range $field := list "nodeSelector" "tolerations" "affinity" }}
  {{- with get $own $field }}
  {{ $field }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- if ne $values.topologySpread "None" }}
  topologySpreadConstraints:
    {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $values.topologySpread }}
      labelSelector:
        matchLabels:
          {{- include "dais.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ $role }}
      matchLabelKeys: [{{ ternary "controller-revision-hash" "pod-template-hash" $own.persistence.enabled }}]
    {{- end }}
  {{- end }}
  containers:
    - name: dais
      image: {{ include "dais.image" $root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [up]
      env:
        {{- include "dais.environment" (dict "root" $root "role" $role) | nindent 8 }}
        {{- with include "dais.queryMemory" (dict "root" $root "limit" $own.resources.limits.memory) }}
        - { name: DAIS_QUERY_MEMORY_MB, value: {{ . | quote }} }
        {{- end }}
      ports:
        - { name: http, containerPort: 7070 }
        {{- if $hasGateway }}
        - { name: inference, containerPort: 7071 }
        {{- end }}
        {{- if $servesApi }}
        - { name: grpc, containerPort: 7072 }
        {{- end }}
        {{- if and (eq $role "gateway") $own.grpc }}
        - { name: inference-grpc, containerPort: 7073 }
        {{- end }}
        {{- if and (eq $values.profile "production") $values.nodes.internalPort }}
        - { name: internal, containerPort: {{ $values.nodes.internalPort }} }
        {{- end }}
      startupProbe:
        httpGet: { path: /livez, port: http, scheme: {{ include "dais.scheme" $root }} }
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: {{ max 1 (div (int $values.startupSeconds) 5) }}
      readinessProbe:
        {{- if eq $role "gateway" }}
        {{- include "dais.gatewayReadiness" $root | nindent 8 }}
        {{- else }}
        httpGet: { path: /readyz, port: http, scheme: {{ include "dais.scheme" $root }} }
        {{- end }}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 3
      livenessProbe:
        # The supervisor restarts processes that end. Kubernetes restarts the pod only when it does not respond for a minute.
        httpGet: { path: /livez, port: http, scheme: {{ include "dais.scheme" $root }} }
        periodSeconds: 10
        timeoutSeconds: 10
        failureThreshold: 6
      {{- if $drain.secret }}
      lifecycle:
        preStop:
          exec:
            command: [sh, -c, {{ include "dais.drainScript" $root | quote }}]
      {{- else if gt (int $own.preStopSeconds) 0 }}
      lifecycle:
        preStop:
          sleep: { seconds: {{ int $own.preStopSeconds }} }
      {{- end }}
      resources:
        {{- toYaml $own.resources | nindent 8 }}
      securityContext:
        {{- include "dais.containerSecurity" (dict "root" $root "own" $own) | nindent 8 }}
      volumeMounts:
        {{- include "dais.mounts" $root | nindent 8 }}
        - { name: data, mountPath: /var/lib/dais }
        {{- if $hasKeysVolume }}
        - { name: keys, mountPath: /var/lib/dais-keys }
        {{- end }}
        {{- if $drain.secret }}
        - { name: drain, mountPath: /etc/dais/drain, readOnly: true }
        {{- end }}
  volumes:
    {{- include "dais.volumes" $root | nindent 4 }}
    {{- if not $own.persistence.enabled }}
    - name: data
      emptyDir: { sizeLimit: {{ $own.dataVolume.size }} }
    {{- end }}
    {{- if $drain.secret }}
    - name: drain
      secret: { secretName: {{ $drain.secret }}, defaultMode: 0440, items: [{ key: {{ $drain.key }}, path: token }] }
    {{- end }}
{{- end -}}

{{/*
Readiness of a gateway that does not depend on the database: the gateway answers on port 7071 from the first Endpoint on, and before, the main port
answers. An `httpGet` of the main port would remove all gateways from their Service while the database is away.
*/}}
{{- define "dais.gatewayReadiness" -}}
exec:
  command: [node, -e, {{ include "dais.readinessScript" . | quote }}, {{ lower (include "dais.scheme" .) }}, '7071', '7070']
{{- end -}}

{{- define "dais.readinessScript" -}}
const [scheme, gateway, main] = process.argv.slice(1); const { get } = require(scheme); const status = (port) => new Promise((resolve, reject) => { get({ host: '127.0.0.1', port, path: '/readyz', rejectUnauthorized: false, timeout: 4000 }, (response) => resolve(response.statusCode)).on('error', reject).on('timeout', () => reject(new Error('timeout'))); }); status(gateway).catch((error) => { if (error.code !== 'ECONNREFUSED') throw error; return status(main); }).then((code) => process.exit(code === 200 ? 0 : 1), () => process.exit(1));
{{- end -}}

{{/* Ends when the steps of the node have ended, or at the time limit. */}}
{{- define "dais.drainScript" -}}
{{- $url := printf "http://%s:7070" (include "dais.fullname" .) -}}
{{- if .Values.tls.secretName -}}{{- $url = .Values.config.publicUrl -}}{{- end -}}
DAIS_TOKEN=$(cat /etc/dais/drain/token) exec dais --url {{ $url }} admin drain-node "$(node -p 'require("/var/lib/dais/node.json").id')" --time-limit {{ int .Values.roles.worker.drain.timeLimitSeconds }}s --force --wait
{{- end -}}
