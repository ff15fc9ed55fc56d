{{/* Environment of Dais, also of commands such as the backup: (dict "root" $ "role" "api"). */}}
{{- define "dais.environment" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $config := $values.config -}}
{{- $full := include "dais.fullname" $root -}}
{{- $keysType := dig "keys" "type" "file" $config -}}
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
- { name: HOME, value: /var/lib/dais }
- { name: DAIS_CONFIG, value: /etc/dais/dais.yaml }
- { name: DAIS_DATA, value: /var/lib/dais }
# The image sets a key store. An empty variable counts as none.
- { name: DAIS_KEYS_TYPE, value: {{ $keysType }} }
- { name: DAIS_KEYS_FOLDER, value: {{ ternary "/var/lib/dais-keys/keys" "" (eq $keysType "file") | quote }} }
- { name: DAIS_ROLE, value: {{ .role }} }
- { name: DAIS_HOST, value: {{ $values.listenAddress | quote }} }
- { name: DAIS_PORT, value: '7070' }
- { name: DAIS_PORTS_INFERENCE, value: '7071' }
- { name: DAIS_PORTS_GRPC, value: '7072' }
{{- if and (eq .role "gateway") $values.roles.gateway.grpc }}
- { name: DAIS_PORTS_INFERENCE_GRPC, value: '7073' }
{{- end }}
- name: DAIS_ALLOW_HOSTS
  value: {{ printf "$(POD_IP),%s,%s%s" (include "dais.serviceNames" (dict "root" $root "name" $full)) (include "dais.serviceNames" (dict "root" $root "name" (printf "%s-gateway" $full))) (include "dais.extraHosts" $root) | quote }}
- { name: DAIS_AUTHENTICATION_MODE, value: accounts }
{{- $notice := include "dais.noticeSeconds" . }}
{{- if and (ne $notice "0") (not (hasKey (default dict $config.limits) "drainNoticeSeconds")) }}
- { name: DAIS_LIMITS_DRAIN_NOTICE_SECONDS, value: {{ $notice | quote }} }
{{- end }}
{{- if eq $values.profile "production" }}
{{- if $values.nodes.internalPort }}
- { name: DAIS_NODE_INTERNAL_PORT, value: {{ $values.nodes.internalPort | quote }} }
- { name: DAIS_NODE_ADVERTISE, value: $(POD_IP) }
{{- end }}
- { name: DAIS_NODE_JOIN, value: {{ $values.nodes.join }} }
{{- with $values.nodes.joinToken }}
{{- if .secret }}
- name: DAIS_NODE_JOIN_TOKEN
  valueFrom: { secretKeyRef: { name: {{ .secret }}, key: {{ .key }} } }
{{- end }}
{{- end }}
{{- end }}
# Agents of steps in pods run this image, and call the Service.
{{- if not (dig "executions" "agentImage" "" $config) }}
- { name: DAIS_EXECUTIONS_AGENT_IMAGE, value: {{ include "dais.image" $root | quote }} }
{{- end }}
{{- if not (or (dig "executions" "agentUrl" "" $config) $values.tls.secretName) }}
- { name: DAIS_EXECUTIONS_AGENT_URL, value: {{ printf "http://%s.%s.svc:%v" $full $root.Release.Namespace 7070 | quote }} }
{{- end }}
{{- with $values.database.secret }}
{{- if .name }}
- name: DAIS_DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ .name }}, key: {{ .key }} } }
{{- end }}
{{- end }}
{{- with $values.blobs.secret }}
{{- if .name }}
- name: DAIS_BLOBS_ACCESS_KEY_ID
  valueFrom: { secretKeyRef: { name: {{ .name }}, key: {{ .accessKeyId }} } }
- name: DAIS_BLOBS_SECRET_ACCESS_KEY
  valueFrom: { secretKeyRef: { name: {{ .name }}, key: {{ .secretAccessKey }} } }
{{- end }}
{{- end }}
{{- with $values.keys.secret }}
{{- if .name }}
- name: DAIS_KEYS_VALUES
  valueFrom: { secretKeyRef: { name: {{ .name }}, key: {{ .key }} } }
{{- end }}
{{- end }}
{{- range $values.secretVariables }}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .secret }}, key: {{ .key }} } }
{{- end }}
{{- if $values.tls.secretName }}
- { name: DAIS_TLS_CERT, value: /etc/dais/tls/tls.crt }
- { name: DAIS_TLS_KEY, value: /etc/dais/tls/tls.key }
{{- if and $values.tls.caKey (not (dig "executions" "agentCa" "" $config)) }}
# Agents of steps in pods trust the authority of this certificate.
- { name: DAIS_EXECUTIONS_AGENT_CA, value: {{ printf "/etc/dais/tls/%s" $values.tls.caKey | quote }} }
{{- end }}
{{- end }}
{{- if or $values.caBundle.configMap $values.caBundle.secret }}
- { name: NODE_EXTRA_CA_CERTS, value: {{ printf "/etc/dais/ca/%s" $values.caBundle.key | quote }} }
{{- end }}
{{- range $name, $value := $values.variables }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end -}}

{{/*
Seconds after SIGTERM in which a pod still serves, and ends each connection after its next response. Connections that clients keep do not
notice that the pod has left its Service: (dict "root" $ "role" "api").
*/}}
{{- define "dais.noticeSeconds" -}}
{{- $serves := and (eq .root.Values.profile "production") (has .role (list "all" "api" "gateway")) -}}
{{- dig "limits" "drainNoticeSeconds" (ternary 5 0 $serves) .root.Values.config -}}
{{- end -}}

{{/* Hosts of the value `allowHosts` and of `config.inferenceUrl`, each after a comma. */}}
{{- define "dais.extraHosts" -}}
{{- range .Values.allowHosts }},{{ . }}{{- end -}}
{{- with dig "inferenceUrl" "" .Values.config }},{{ (urlParse .).hostname }}{{- end -}}
{{- end -}}

{{/*
Memory of queries in MiB: a quarter of the memory limit. Dais itself would take a quarter of the memory of the machine:
(dict "root" $ "limit" "2Gi").
*/}}
{{- define "dais.queryMemory" -}}
{{- if not (dig "query" "memoryMb" 0 .root.Values.config) -}}
{{- $amount := regexFind "^[0-9]+" .limit | int -}}
{{- $mib := ternary (mul $amount 1024) $amount (hasSuffix "Gi" .limit) -}}
{{- if or (hasSuffix "Gi" .limit) (hasSuffix "Mi" .limit) -}}
{{- max 256 (div $mib 4) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Mounts of Dais that do not depend on the role. */}}
{{- define "dais.mounts" -}}
- { name: config, mountPath: /etc/dais/dais.yaml, subPath: dais.yaml, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- if .Values.tls.secretName }}
- { name: tls, mountPath: /etc/dais/tls, readOnly: true }
{{- end }}
{{- if or .Values.caBundle.configMap .Values.caBundle.secret }}
- { name: ca, mountPath: /etc/dais/ca, readOnly: true }
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "dais.volumes" -}}
- name: config
  configMap: { name: {{ include "dais.fullname" . }} }
- name: tmp
  emptyDir: { sizeLimit: 2Gi }
{{- with .Values.tls.secretName }}
- name: tls
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- with .Values.caBundle }}
{{- if .configMap }}
- name: ca
  configMap: { name: {{ .configMap }} }
{{- else if .secret }}
- name: ca
  secret: { secretName: {{ .secret }}, defaultMode: 0440 }
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Security fields of a pod: (dict "root" $ "own" VALUES_OF_THE_ROLE). */}}
{{- define "dais.podSecurity" -}}
{{- $values := .root.Values -}}
{{- $context := dict "runAsNonRoot" true "runAsUser" 7070 "runAsGroup" 7070 "fsGroup" 7070 "fsGroupChangePolicy" "OnRootMismatch" "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- $context = mergeOverwrite $context (deepCopy $values.podSecurityContext) (deepCopy (default dict .own.podSecurityContext)) -}}
{{- $hostUsers := ternary .own.hostUsers $values.hostUsers (kindIs "bool" .own.hostUsers) -}}
automountServiceAccountToken: {{ include "dais.needsToken" .root }}
# Services of the namespace would become variables such as DAIS_PORT, which Dais reads.
enableServiceLinks: false
{{- if kindIs "bool" $hostUsers }}
hostUsers: {{ $hostUsers }}
{{- end }}
{{- with $values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
securityContext:
{{- toYaml $context | nindent 2 }}
{{- end -}}

{{/* The same for its container. */}}
{{- define "dais.containerSecurity" -}}
{{- $context := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) -}}
{{- toYaml (mergeOverwrite $context (deepCopy .root.Values.securityContext) (deepCopy (default dict .own.securityContext))) -}}
{{- end -}}

{{/* Dais reads the token of its service account to sign in at Vault, and for pods of its steps. */}}
{{- define "dais.needsToken" -}}
{{- or .Values.rbac.create (ne (dig "keys" "kubernetesRole" "" .Values.config) "") -}}
{{- end -}}
